"""What was done to a stream, and by whom: the rows of `ops.stream_event`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from vigie.warehouse.core import stream_event

SUPERVISOR = "vigie"
"""The person named for what the supervisor does by itself."""


def record_event(
    connection: Connection, *, feed: str, kind: str, detail: str = "", person: str = SUPERVISOR
) -> None:
    """Add an event in the caller's transaction."""
    row = {"feed": feed, "kind": kind, "person": person, "detail": detail or None}
    connection.execute(insert(stream_event).values(row))


@dataclass(frozen=True)
class Event:
    """What was done to a stream, when (UTC), by whom."""

    at: datetime
    kind: str
    person: str
    detail: str | None


def recent_events(connection: Connection, feed: str, *, limit: int) -> list[Event]:
    """The newest events of a feed, oldest first."""
    t = stream_event.c
    newest = select(t.at, t.kind, t.person, t.detail).where(t.feed == feed)
    rows = connection.execute(newest.order_by(t.event_id.desc()).limit(limit)).all()
    return [Event(r.at.astimezone(UTC), r.kind, r.person, r.detail) for r in reversed(rows)]
