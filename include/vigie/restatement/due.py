"""Whether the scheduled restatement of a day has anything to look at."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, case, exists, func, or_, select

from vigie.contract.feed import Feed
from vigie.restatement.follow_up import is_unfinished
from vigie.restatement.stored import day_span
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables


def is_due(feed: Feed, day: date, engine: Engine | None = None) -> bool:
    """Whether readings of the day arrived late, or left quarantine, since it was last restated.

    Or whether what follows a restatement of any day of the feed waits to be done.
    """
    begin, end = day_span(day)
    t = core.restatement.c
    reading = feed_tables(feed).reading.c
    mine = (t.feed == feed.name, t.event_date == day)
    with (engine or get_engine()).connect() as connection:
        cut, since = connection.execute(
            select(func.max(t.cut_batch_no), func.max(t.restated_at)).where(
                *mine, t.source == "lake"
            )
        ).one()
        late = [reading.event_time >= begin, reading.event_time < end, reading.is_late]
        freed = [*mine, t.source == "quarantine", t.released > 0]
        if since is not None:
            late += [reading.batch_no > cut]
            freed += [t.restated_at > since]
        found = or_(exists().where(*late), exists().where(*freed))
        return bool(connection.scalar(select(case((found, 1), else_=0)))) or is_unfinished(
            connection, feed
        )
