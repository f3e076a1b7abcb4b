"""How far event time went: what is now for the models of a feed, since history may be replayed."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from vigie.contract.feed import Feed
from vigie.warehouse import core


def newest_event_time(connection: Connection, feed: Feed) -> datetime | None:
    """The newest event time stored of any sensor, UTC; None where nothing is."""
    t = core.sensor_clock.c
    query = select(func.max(t.last_event_time)).where(t.feed == feed.name)
    newest: datetime | None = connection.scalar(query)
    return newest.astimezone(UTC) if newest else None
