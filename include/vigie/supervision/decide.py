"""What a watcher does about what it saw; pure, so that two watchers decide alike."""

from __future__ import annotations

from dataclasses import dataclass

from vigie.supervision.backoff import due_at
from vigie.supervision.health import Health, is_blocked
from vigie.supervision.states import State
from vigie.supervision.view import View


@dataclass(frozen=True)
class Close:
    """End what is left of a launch and write the end it did not write itself."""

    launch: int
    outcome: str


@dataclass(frozen=True)
class Relaunch:
    """Start the launch that follows `after`; 0 before the first."""

    after: int


def decide(view: View, health: Health) -> Close | Relaunch | None:
    """The one action that is due, if any."""
    launch = view.launch
    if launch is not None and launch.ended_at is None:
        outcome = _outcome(health)
        return Close(launch.launch, outcome) if outcome else None
    if not is_due(view):
        return None
    return Relaunch(launch.launch if launch else 0)


def is_due(view: View) -> bool:
    """Whether the next launch should start now."""
    if view.desired != "running":
        return False
    launch = view.launch
    if launch is None:
        return True
    ended = launch.ended_at is not None
    return ended and not is_blocked(view, launch) and view.now >= due_at(view)


def _outcome(health: Health) -> str | None:
    if health.state in (State.DEAD, State.STALLED):
        return str(health.state)
    return "killed" if health.overdue else None
