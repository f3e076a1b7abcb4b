"""Waits until a part works, and says what is wrong when it does not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic, sleep

from vigie.errors import StackError
from vigie.local.control import Control
from vigie.local.stack import Stack, last_lines
from vigie.local.status import check_services

_POLL = 0.3
# Failed starts in a row that are taken as a fault rather than as a part waiting for another.
_FAILED_POLLS = 10


def wait_for(stack: Stack, program: str, is_up: Callable[[], bool], *, timeout: float) -> None:
    """Wait until `is_up` says that the program works.

    Raises:
        StackError: It keeps ending, or does not work within `timeout` seconds; the message has
            its log file and the last lines of it.
    """
    control, deadline, failed = Control(stack), monotonic() + timeout, 0
    while not is_up():
        state = control.states().get(program)
        broken = state is None or not state.running or state.state == "BACKOFF"
        failed = failed + 1 if broken else 0
        if failed >= _FAILED_POLLS:
            said = f"{state.state} {state.error}".strip() if state else "not started"
            raise StackError(_failure(stack, program, f"is {said}"))
        if monotonic() > deadline:
            raise StackError(_failure(stack, program, f"did not answer within {timeout:.0f} s"))
        sleep(_POLL)


def wait_until_healthy(stack: Stack, *, timeout: float, later: Collection[str] = ()) -> None:
    """Wait until every part says that it works, but for those that may do so `later`.

    Raises:
        StackError: One does not within `timeout` seconds; the message has the end of its log.
    """
    deadline = monotonic() + timeout
    while sick := [
        one for one in check_services(stack) if not one.healthy and one.name not in later
    ]:
        if monotonic() > deadline:
            raise StackError(_failure(stack, sick[0].name, f"not healthy after {timeout:.0f} s"))
        sleep(1)


def _failure(stack: Stack, program: str, observed: str) -> str:
    return (
        f"{program} {observed}. Its log is {stack.log(program)}, which ends:\n"
        f"{last_lines(stack, program)}\n"
        "What runs was left running: `vigie up` tries again, `vigie down` ends it"
    )
