"""What was done to a stream, and by whom: the rows of `ops.stream_event`."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from vigie.warehouse.core import stream_event

SUPERVISOR = "vigie"
"""The person named for what the supervisor does by itself."""


def record_event(
    connection: Connection, *, feed: str, kind: str, detail: str = "", person: str = SUPERVISOR
) -> None:
    """Add an event in the caller's transaction."""
    row = {"feed": feed, "kind": kind, "person": person, "detail": detail or None}
    connection.execute(insert(stream_event).values(row))
