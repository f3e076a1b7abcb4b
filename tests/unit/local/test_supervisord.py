from __future__ import annotations

import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.local.supervisord import render_config

PROGRAMS = (
    Program("one", ("/bin/echo", "50%", "a b", "%(here)s"), stop_signal="INT", stop_alone=True),
    Program("two", ("/bin/sleep", "1"), stop_seconds=7, reads="a-1"),
)


@pytest.fixture
def read(stack: Stack, tmp_path: Path) -> dict[str, Any]:
    """What supervisord itself reads from the configuration, by program."""
    path = tmp_path / "supervisord.conf"
    path.write_text(render_config(stack, PROGRAMS))
    options = ServerOptions()
    options.realize(args=["-c", str(path)])
    return {group.name: group.process_configs[0] for group in options.process_group_configs}


def test_each_command_is_read_as_it_was_given(read: dict[str, Any]) -> None:
    commands = {name: tuple(shlex.split(program.command)) for name, program in read.items()}
    assert commands == {program.name: program.command for program in PROGRAMS}


def test_nothing_starts_by_itself_and_everything_goes_on_restarting(read: dict[str, Any]) -> None:
    for program in read.values():
        assert not program.autostart
        assert program.startretries >= 100


def test_a_program_is_stopped_as_it_asked_and_killed_as_a_group(read: dict[str, Any]) -> None:
    one, two = read["one"], read["two"]
    assert (one.stopsignal, one.stopasgroup, one.killasgroup) == (signal.SIGINT, False, True)
    assert (two.stopsignal, two.stopasgroup, two.killasgroup) == (signal.SIGTERM, True, True)
    assert two.stopwaitsecs == 7


def test_each_log_rotates_in_the_state_folder(read: dict[str, Any], stack: Stack) -> None:
    for name, program in read.items():
        assert Path(program.stdout_logfile) == stack.log(name)
        assert program.stdout_logfile_maxbytes > 0
        assert program.redirect_stderr


def test_a_program_whose_reading_changed_is_another(stack: Stack) -> None:
    reading = [render_config(stack, [Program("api", ("a",), reads=what)]) for what in ("1", "2")]
    assert reading[0] != reading[1]
