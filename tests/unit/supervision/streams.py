"""Streams at a given moment, as the warehouse would show them; times are seconds before now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from vigie.supervision.view import Beat, Launch, View

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def launch(
    number: int = 1,
    *,
    created: float = 300,
    submitted: float | None = 299,
    claimed: float | None = 290,
    committed: float | None = 280,
    ended: float | None = None,
    outcome: str | None = None,
) -> Launch:
    times = {
        "submitted_at": submitted,
        "claimed_at": claimed,
        "first_commit_at": committed,
        "ended_at": ended,
    }
    return Launch(
        launch=number,
        created_at=ago(created),
        contract_hash="contract",
        code_version="code",
        submission_id="driver-1" if submitted is not None else None,
        outcome=outcome,
        **{name: None if value is None else ago(value) for name, value in times.items()},
    )


def beat(
    phase: str = "running",
    *,
    age: float = 1,
    lag: int | None = 0,
    behind: float | None = None,
    progress_age: float = 1,
) -> Beat:
    """A heartbeat; behind its topic for as long as without progress, unless told."""
    since_level = max(progress_age if behind is None else behind, age)
    lag_seconds = None if lag is None else since_level - age
    return Beat(ago(age), phase, 7, ago(progress_age), lag, lag_seconds)


def view(*recent: Launch, desired: str | None = "running", **rest: Any) -> View:
    rest.setdefault("changed_at", LONG_AGO)
    return View(now=NOW, desired=desired, recent=recent, **rest)
