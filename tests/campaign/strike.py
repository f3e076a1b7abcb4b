"""Strikes a fault: kills, freezes, stops, restarts what runs, as machine or person would."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import psutil

from tests.campaign.plan import DRIVER, Fault
from tests.campaign.traffic import Traffic
from tests.local_stack import LocalStack
from vigie.contract.feed import Feed
from vigie.local.control import Control
from vigie.local.postgres import connect

T = TypeVar("T")

_PRESENT = 240.0
"""Seconds to wait for what is to be struck, which an earlier fault may have taken."""
_HEARD = 240.0
"""Seconds an operator tries a command again while what it needs is away."""


class Missed(Exception):
    """What was to be struck was not there."""


@dataclass(frozen=True)
class Struck:
    """When a fault began and was over, in seconds of the monotonic clock."""

    began: float
    over: float


class Striker:
    """Strikes the faults of a plan on a running stack."""

    def __init__(self, stack: LocalStack, traffic: Traffic, feeds: dict[str, Feed]) -> None:
        self._stack, self._traffic, self._feeds = stack, traffic, feeds

    def strike(self, fault: Fault) -> Struck:
        """Do it, and return once the fault itself is over; what it broke may need longer.

        Raises:
            Missed: There was nothing to strike.
        """
        began = time.monotonic()
        if fault.kind in ("poison", "load"):
            self._traffic.send(fault)
        elif fault.target == DRIVER:
            self._driver(fault, self._feeds[fault.feed])
        else:
            self._component(fault)
        return Struck(began, time.monotonic())

    def _driver(self, fault: Fault, feed: Feed) -> None:
        if fault.kind == "kill":
            _send(self._present(lambda: self._parts(feed, fault.how)), signal.SIGKILL)
        elif fault.how == "frozen":
            _freeze(self._present(lambda: self._stack.drivers(feed)), fault.hold)
        elif fault.kind == "cut":
            self._end_sessions(feed)
        elif fault.kind == "stop":
            self._command("stop", feed)
            time.sleep(fault.hold)
            self._command("start", feed)
        else:
            self._command("restart", feed)

    def _component(self, fault: Fault) -> None:
        control = Control(self._stack.stack)
        if fault.kind == "kill":
            _send(self._present(lambda: self._stack.program(fault.target)[:1]), signal.SIGKILL)
        elif fault.kind == "cut":
            _freeze(self._present(lambda: self._stack.program(fault.target)), fault.hold)
        else:
            control.stop([fault.target], timeout=75)
            time.sleep(fault.hold)
            control.start(fault.target)

    def _parts(self, feed: Feed, how: str) -> list[psutil.Process]:
        """The driver's processes, or only its JVM, or only its Python."""
        found = self._stack.drivers(feed)
        jvms = [process for process in found if _name(process) == "java"]
        others = [process for process in found if _name(process) != "java"]
        return {"jvm": jvms, "python": others}.get(how, found)

    def _end_sessions(self, feed: Feed) -> None:
        """As a firewall that forgets connections: the driver learns of it as it uses one."""
        ended = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE usename = 'vigie_stream' AND application_name LIKE %s"
        )

        def end() -> bool:
            with suppress(Exception), connect(self._stack.stack, "vigie") as connection:
                (count,) = connection.execute(ended, (f"%{feed.name}%",)).fetchone() or (0,)
                return bool(count)
            return False

        self._present(lambda: [True] if end() else [])

    def _command(self, word: str, feed: Feed) -> None:
        """A command of the operator's, tried again while the warehouse is away."""
        deadline = time.monotonic() + _HEARD
        while (done := self._stack.run("stream", word, feed.name)).returncode:
            if time.monotonic() > deadline:
                raise AssertionError(f"vigie stream {word} {feed.name}: {done.stdout}{done.stderr}")
            time.sleep(2)

    def _present(self, look: Callable[[], list[T]]) -> list[T]:
        deadline = time.monotonic() + _PRESENT
        while not (found := look()):
            if time.monotonic() > deadline:
                raise Missed
            time.sleep(1)
        return found


def _name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.name()
    return ""


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _freeze(processes: list[psutil.Process], seconds: float) -> None:
    """A machine that hangs, or a network that keeps every packet, for some seconds."""
    _send(processes, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        _send(processes, signal.SIGCONT)
