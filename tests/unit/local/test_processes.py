from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from vigie.local.environment import MARK
from vigie.local.processes import end, stack_processes
from vigie.local.stack import Stack

Spawn = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def spawn(stack: Stack) -> Iterator[Spawn]:
    """Start `python -c CODE` with the stack's mark; it has written a byte once this returns."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, MARK: str(stack.state)}
        command = (sys.executable, "-c", code)
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.read(1)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


SLEEP = "import time; print('x', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def test_only_processes_with_the_mark_are_found(stack: Stack, spawn: Spawn) -> None:
    assert stack_processes(stack) == []
    ours = spawn(SLEEP)
    assert [p.pid for p in stack_processes(stack)] == [ours.pid]


def test_the_caller_is_never_among_them(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "environ", lambda _: {MARK: str(stack.state)})
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    assert own.isdisjoint(p.pid for p in stack_processes(stack))


@pytest.mark.parametrize("code", [SLEEP, DEAF])
def test_what_does_not_end_is_killed(stack: Stack, spawn: Spawn, code: str) -> None:
    spawn(code)
    assert end(stack_processes(stack), timeout=0.5) == []
    assert stack_processes(stack) == []


def test_a_frozen_process_is_killed(stack: Stack, spawn: Spawn) -> None:
    spawn(SLEEP).send_signal(signal.SIGSTOP)
    assert end(stack_processes(stack), timeout=0.5) == []
