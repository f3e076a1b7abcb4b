from __future__ import annotations

from collections.abc import Callable

import pytest

from vigie.errors import StackError
from vigie.local import waiting
from vigie.local.control import Control, ProgramState
from vigie.local.stack import Stack

RUNNING = ProgramState("part", "RUNNING", running=True, error="")
FAILING = ProgramState("part", "BACKOFF", running=True, error="Exited too quickly")


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_POLL", 0.001)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[ProgramState], None]:
    """What the process manager says of the program."""
    return lambda state: monkeypatch.setattr(Control, "states", lambda _: {"part": state})


def test_it_returns_once_the_part_works(stack: Stack, says: Callable[[ProgramState], None]) -> None:
    says(FAILING)
    answers = iter([False, False, True])
    waiting.wait_for(stack, "part", lambda: next(answers), timeout=5)


def test_a_part_that_keeps_ending_is_given_up_at_once_with_its_last_lines(
    stack: Stack, says: Callable[[ProgramState], None]
) -> None:
    says(FAILING)
    stack.log("part").write_text("first\n" * 50 + "no space left on device\n")
    with pytest.raises(StackError) as failure:
        waiting.wait_for(stack, "part", lambda: False, timeout=600)
    message = str(failure.value)
    assert "part is BACKOFF Exited too quickly" in message
    assert str(stack.log("part")) in message
    assert "no space left on device" in message
    assert message.count("first") < 50


def test_a_part_that_runs_but_never_answers_is_given_up_in_time(
    stack: Stack, says: Callable[[ProgramState], None]
) -> None:
    says(RUNNING)
    with pytest.raises(StackError, match="part did not answer within 0 s"):
        waiting.wait_for(stack, "part", lambda: False, timeout=0.05)
