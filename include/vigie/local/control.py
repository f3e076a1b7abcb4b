"""Talks to the running process manager through its XML-RPC interface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import STOPPED_STATES
from supervisor.xmlrpc import Faults, SupervisorTransport

from vigie.errors import StackError
from vigie.local.stack import Stack


@dataclass(frozen=True)
class ProgramState:
    """What the process manager says of one program; `error` is why it last failed to start."""

    name: str
    state: str
    running: bool
    error: str


class Control:
    """One connection to a stack's process manager."""

    def __init__(self, stack: Stack) -> None:
        self._socket = stack.socket

    def alive(self) -> bool:
        """Whether the process manager answers."""
        try:
            return bool(self._calls.getState()["statename"] == "RUNNING")
        except (OSError, HTTPException, Fault):
            return False

    def states(self) -> dict[str, ProgramState]:
        """Every program by name; empty when the process manager does not answer."""
        try:
            found = self._calls.getAllProcessInfo()
        except (OSError, HTTPException, Fault):
            return {}
        return {
            info["name"]: ProgramState(
                info["name"],
                info["statename"],
                info["state"] not in STOPPED_STATES,
                info["spawnerr"],
            )
            for info in found
        }

    def reload(self) -> None:
        """Take over a changed configuration; a program whose entry changed is stopped."""
        ((added, changed, removed),) = self._calls.reloadConfig()
        for name in (*changed, *removed):
            self._calls.stopProcessGroup(name)
            self._calls.removeProcessGroup(name)
        for name in (*added, *changed):
            self._calls.addProcessGroup(name)

    def start(self, name: str) -> bool:
        """Start a program without waiting for it; False if it was running already.

        Raises:
            StackError: Its command cannot be run at all.
        """
        try:
            self._calls.startProcess(name, False)
        except Fault as fault:
            if fault.faultCode == Faults.ALREADY_STARTED:
                return False
            message = f"{name}: the process manager cannot start it: {fault.faultString}"
            raise StackError(message) from fault
        return True

    def stop(self, names: Iterable[str], *, timeout: float) -> None:
        """Stop programs side by side and wait at most `timeout` seconds for them to be gone."""
        asked = [name for name in names if self._ask_to_stop(name)]
        deadline = monotonic() + timeout
        while monotonic() < deadline:
            states = self.states()
            if not any(states[name].running for name in asked if name in states):
                return
            sleep(0.2)

    def pid(self) -> int:
        """The process number of the process manager."""
        return int(self._calls.getPID())

    def shutdown(self) -> None:
        """End the process manager and whatever it still runs."""
        self._calls.shutdown()

    def _ask_to_stop(self, name: str) -> bool:
        try:
            self._calls.stopProcess(name, False)
        except Fault as fault:
            if fault.faultCode in (Faults.NOT_RUNNING, Faults.BAD_NAME):
                return False
            raise
        return True

    @property
    def _calls(self) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        return ServerProxy("http://supervisor", transport=transport).supervisor
