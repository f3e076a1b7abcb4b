"""Finds and ends what a stack started, also where its process manager no longer knows of it."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic, sleep

import psutil

from vigie.local.environment import MARK
from vigie.local.stack import Stack


def stack_processes(stack: Stack) -> list[psutil.Process]:
    """Every process that carries the stack's mark, with their children; never the caller's own."""
    here = psutil.Process()
    own = {here.pid, *(parent.pid for parent in here.parents())}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        # Ended meanwhile, or another user's.
        with suppress(psutil.Error):
            if process.environ().get(MARK) == str(stack.state):
                found |= {p.pid: p for p in (process, *process.children(recursive=True))}
    return [p for pid, p in found.items() if pid not in own and _is_alive(p)]


def end(processes: Iterable[psutil.Process], *, timeout: float = 15) -> list[psutil.Process]:
    """End processes, the database after all others; returns those that could not be ended.

    Each gets `timeout` seconds to end by itself before it is killed.
    """
    database: list[psutil.Process] = []
    others: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.Error):
            (database if process.name() == "postgres" else others).append(process)
    for group, request in ((others, signal.SIGTERM), (database, signal.SIGINT)):
        _send(group, request)
        _send(_wait(group, timeout), signal.SIGKILL)
    return _wait(others + database, 5)


def _send(processes: Iterable[psutil.Process], request: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(request)


def _wait(processes: Iterable[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait until all are gone; returns those that are not after `timeout` seconds."""
    deadline = monotonic() + timeout
    while (alive := [p for p in processes if _is_alive(p)]) and monotonic() < deadline:
        sleep(0.1)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        # A zombie has ended; where process 1 is no init, its entry stays for ever.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def describe(processes: Iterable[psutil.Process]) -> str:
    """Name and numbers of the processes, for a message."""
    numbers: dict[str, list[str]] = {}
    for process in processes:
        with suppress(psutil.Error):
            # Airflow writes what it does after its name.
            numbers.setdefault(process.name().split()[0], []).append(str(process.pid))
    return "; ".join(f"{name} {' '.join(found)}" for name, found in numbers.items())
