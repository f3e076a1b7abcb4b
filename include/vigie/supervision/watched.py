"""Whether somebody watches a stream: the rows of `ops.watch`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from vigie.warehouse.core import watch
from vigie.warehouse.types import UtcNow

FRESH = timedelta(seconds=30)


def mark_watched(connection: Connection, feed: str) -> None:
    """Write that the stream is watched now (database clock), in the caller's transaction."""
    now = update(watch).where(watch.c.feed == feed).values(watched_at=UtcNow())
    if connection.execute(now).rowcount == 0:
        connection.execute(insert(watch).values(feed=feed, watched_at=UtcNow()))


def watched_at(connection: Connection, feeds: Sequence[str]) -> dict[str, datetime]:
    """When each stream was last watched, in UTC; a feed that never was is left out."""
    rows = connection.execute(
        select(watch.c.feed, watch.c.watched_at).where(watch.c.feed.in_(feeds))
    )
    return {feed: moment.astimezone(UTC) for feed, moment in rows}
