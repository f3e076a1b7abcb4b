from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from vigie.errors import StackError
from vigie.local import streams
from vigie.local.stack import Stack
from vigie.supervision.states import State


@dataclass(frozen=True)
class Told:
    state: State
    desired: str | None = "running"
    feed: str = "some"
    phase: str = "its phase"
    error: None = None


Play = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def play(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Wait while a stream goes through states, one a second; the last one stays."""

    def wait(*states: Told, paused: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
        left, now = list(states), [0.0]
        monkeypatch.setattr(streams, "_paused", lambda stack, feeds: paused)
        monkeypatch.setattr(streams, "monotonic", lambda: now[0])
        monkeypatch.setattr(streams, "sleep", lambda seconds: now.append(now.pop() + seconds))
        monkeypatch.setattr(
            streams, "stream_states", lambda feeds: [left.pop(0) if len(left) > 1 else left[0]]
        )
        return streams.wait_until_live(stack, ["some"], timeout=300)

    return wait


NEVER_STARTED = Told(State.STOPPED, desired=None)


def test_a_stream_on_its_way_is_waited_for(play: Play) -> None:
    way = (NEVER_STARTED, Told(State.DEAD), Told(State.STARTING), Told(State.WAITING))
    assert play(*way, Told(State.RUNNING)) == [("some", "running (its phase)")]


@pytest.mark.parametrize("held", [Told(State.STOPPED, "stopped"), Told(State.BLOCKED)])
def test_one_that_a_person_holds_is_not(play: Play, held: Told) -> None:
    assert play(held) == [("some", f"{held.state} (its phase)")]


def test_one_that_keeps_waiting_for_something_else_is_told(play: Play) -> None:
    assert play(Told(State.WAITING)) == [("some", "waiting (its phase)")]


def test_one_with_a_paused_dag_is_told(play: Play) -> None:
    told = play(Told(State.DEAD), paused=frozenset({"some"}))
    assert told == [("some", "dead (its DAG is paused)")]


@pytest.mark.parametrize("left", [State.DEAD, State.STALLED, State.STARTING, State.UNKNOWN])
def test_one_that_never_runs_is_a_failure_that_says_why(play: Play, left: State) -> None:
    with pytest.raises(StackError, match=rf"some is {left} \(its phase\)"):
        play(Told(left))
