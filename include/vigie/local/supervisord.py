"""The process manager: its configuration and its start, detached from any terminal."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from vigie.errors import StackError
from vigie.local.programs import Program
from vigie.local.stack import Stack

_DAEMON = """\
[supervisord]
directory={state}
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={state}/supervisord.pid
umask=077

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
# A component of Airflow's exits when its database is away: starting again must go on for long.
# The pause before each further start grows by a second.
_PROGRAM = """
[program:{name}]
command={command}
autostart=false
autorestart=true
startsecs=3
startretries=200
stopsignal={signal}
stopwaitsecs={seconds}
stopasgroup={group}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""
# Nobody looks at it; a program whose entry changed is stopped by a reload.
_READS = 'environment=VIGIE_READS="{reads}"\n'


def render_config(stack: Stack, programs: Iterable[Program]) -> str:
    """The configuration file; nothing in it starts by itself."""
    parts = [_DAEMON.format_map(_escaped(state=stack.state, logs=stack.logs, socket=stack.socket))]
    for program in programs:
        values = _escaped(
            name=program.name,
            command=shlex.join(program.command),
            signal=program.stop_signal,
            seconds=program.stop_seconds,
            group=str(not program.stop_alone).lower(),
            log=stack.log(program.name),
            reads=program.reads,
        )
        parts.append((_PROGRAM + (_READS if program.reads else "")).format_map(values))
    return "".join(parts)


def write_config(stack: Stack, programs: Iterable[Program]) -> None:
    """Write the configuration that a start or a reload reads."""
    _config(stack).write_text(render_config(stack, programs))


def launch(stack: Stack, env: Mapping[str, str]) -> None:
    """Start the process manager in the background; it starts nothing yet.

    Raises:
        StackError: It did not start.
    """
    socket_folder = stack.socket.parent
    socket_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket_folder.stat().st_uid != os.geteuid():
        message = f"process manager: {socket_folder} belongs to another user; remove it"
        raise StackError(message)
    result = subprocess.run(
        (sys.executable, "-m", "supervisor.supervisord", "-c", str(_config(stack))),
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode != 0:
        told = (result.stdout + result.stderr).strip()
        message = f"process manager: supervisord did not start:\n{told}"
        raise StackError(message)


def _config(stack: Stack) -> Path:
    return stack.state / "supervisord.conf"


def _escaped(**values: object) -> dict[str, str]:
    # supervisord expands %(name)s in every value.
    return {name: str(value).replace("%", "%%") for name, value in values.items()}
