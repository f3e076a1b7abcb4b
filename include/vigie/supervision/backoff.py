"""The pause before the next launch: none after work was done, growing while launches fail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile

from vigie.supervision.view import Launch, View

STABLE = timedelta(minutes=1)
_FIRST, _LONGEST = timedelta(seconds=5), timedelta(seconds=600)


def failures(recent: Iterable[Launch]) -> int:
    """How many launches in a row, from the newest (first) back, ended without work done."""
    return sum(1 for _ in takewhile(_failed, recent))


def pause(count: int) -> timedelta:
    """The pause after `count` failures in a row: 0, 5, 10, 20 … 600 seconds."""
    if count < 2:
        return timedelta(0)
    doublings = min(count - 2, 10)
    return min(_FIRST * (1 << doublings), _LONGEST)


def due_at(view: View) -> datetime:
    """When the launch after an ended one is due; a recorded restart makes it due at once."""
    newest = view.launch
    if newest is None or newest.ended_at is None:
        return view.changed_at or view.now
    if view.requested_at is not None:
        return newest.ended_at
    return newest.ended_at + pause(failures(view.recent))


def waits_since(view: View) -> datetime:
    """Since when a stream whose next launch is due waits; a person's word begins the wait anew."""
    said = (view.requested_at, view.changed_at, view.gap_accepted_at)
    return max((due_at(view), *(moment for moment in said if moment is not None)))


def _failed(launch: Launch) -> bool:
    if launch.ended_at is None or launch.first_commit_at is not None:
        return False
    if launch.outcome in ("stopped", "blocked"):
        return False
    return launch.claimed_at is None or launch.ended_at - launch.claimed_at < STABLE
