"""Whether the scheduled restatement of a day has anything to look at."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, and_, exists, func, or_, select

from vigie.contract.feed import Feed
from vigie.restatement.stored import day_span
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables


def is_due(feed: Feed, day: date, engine: Engine | None = None) -> bool:
    """Whether readings of the day arrived late, or left quarantine, since it was last restated."""
    begin, end = day_span(day)
    t, q = core.restatement.c, core.quarantine.c
    reading = feed_tables(feed).reading.c
    with (engine or get_engine()).connect() as connection:
        cut, since = connection.execute(
            select(func.max(t.cut_batch_no), func.max(t.restated_at)).where(
                t.feed == feed.name, t.event_date == day
            )
        ).one()
        late = [reading.event_time >= begin, reading.event_time < end, reading.is_late]
        freed = [q.feed == feed.name, q.event_time >= begin, q.event_time < end]
        freed += [q.released_at.is_not(None)]
        if since is not None:
            late += [reading.batch_no > cut]
            freed += [q.released_at > since]
        found = or_(exists().where(and_(*late)), exists().where(and_(*freed)))
        return bool(connection.scalar(select(found)))
