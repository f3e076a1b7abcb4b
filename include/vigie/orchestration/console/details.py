"""What the Streams page shows of one stream when asked for more."""

from __future__ import annotations

from typing import Any

from vigie.supervision.events import recent_events
from vigie.supervision.output import last_words
from vigie.supervision.view import read_view
from vigie.warehouse.engines import get_engine

_EVENTS = 20


def details(feed: str) -> dict[str, Any]:
    """Its last launches and events, newest first, and the end of what its newest driver wrote."""
    with get_engine().connect() as connection:
        view = read_view(connection, feed)
        events = recent_events(connection, feed, limit=_EVENTS)
    submission = view.launch.submission_id if view.launch else None
    return {
        "launches": [
            {
                "launch": launch.launch,
                "created_at": launch.created_at.isoformat(),
                "first_commit_at": launch.first_commit_at and launch.first_commit_at.isoformat(),
                "ended_at": launch.ended_at and launch.ended_at.isoformat(),
                "outcome": launch.outcome,
            }
            for launch in view.recent
        ],
        "events": [
            {"at": e.at.isoformat(), "kind": e.kind, "person": e.person, "detail": e.detail}
            for e in reversed(events)
        ],
        "output": last_words(submission) if submission else "",
    }
