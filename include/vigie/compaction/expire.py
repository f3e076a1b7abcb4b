"""Remove whole months whose rows are older than the contract's `retention`.

One transaction under the fence: no batch is in hand, what goes is counted per day as expired, and
readers see the month or do not. Panes and roll-ups outlive the readings they were made of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update

from vigie.compaction.compact import Work
from vigie.compaction.periods import begin_of, end_of, first_kept
from vigie.compaction.record import Compacted, write_record
from vigie.contract.feed import Feed
from vigie.errors import CompactionRefused
from vigie.warehouse import core
from vigie.warehouse.fact_months import Density, time_column
from vigie.warehouse.feed_tables import feed_tables

STEP = "expire"
_NOTHING = Density(rows=0, groups=0, dead=0, stubborn=0, loose=0, bytes=0)
_DAY = timedelta(days=1)


def expired_months(work: Work, feed: Feed) -> dict[date, list[Table]]:
    """The months that are past the contract's retention, with the tables they go from."""
    tables = feed_tables(feed)
    kept = {tables.reading: feed.retention.readings, tables.pane: feed.retention.panes}
    if tables.said is not None:
        kept[tables.said] = feed.retention.readings
    found: dict[date, list[Table]] = {}
    with work.engine.connect() as connection:
        for table, how_long in kept.items():
            if how_long is not None:
                first = first_kept(feed, how_long, work.now)
                for month in work.months.months(connection, table):
                    if month < first:
                        found.setdefault(month, []).append(table)
    return dict(sorted(found.items()))


def expire_month(work: Work, feed: Feed, month: date, tables: list[Table]) -> Iterator[Compacted]:
    """Remove a month from some of the feed's tables.

    Raises:
        CompactionRefused: Its roll-ups are not up to date; nothing was removed.
        CompactionBusy: Others did not let go of it; nothing was removed.
    """
    begun = time.monotonic()
    with work.engine.connect() as connection:
        before = [work.months.measure(connection, table, month, None) for table in tables]
    if not work.dry_run:
        with work.engine.begin() as connection:
            _wait_for_batch(connection, feed)
            if feed_tables(feed).reading in tables:
                _refuse_unless_rolled_up(connection, feed, month)
                _count_expired(connection, feed, month)
                _remove_alerts(connection, feed, month)
            for table in tables:
                work.months.remove(connection, table, month)
            for done in _told(feed, month, tables, before, begun):
                write_record(connection, done, marker="", person=work.person)
    yield from _told(feed, month, tables, before, begun)


def _told(
    feed: Feed, month: date, tables: list[Table], before: list[Density], begun: float
) -> Iterator[Compacted]:
    seconds = time.monotonic() - begun
    for table, density in zip(tables, before, strict=True):
        yield Compacted(
            *(feed.name, table.name, month, (STEP,), density, _NOTHING), seconds=seconds
        )


def _wait_for_batch(connection: Connection, feed: Feed) -> None:
    """Lock the fence's row, as every writer of the feed does before it writes."""
    t = core.fence.c
    connection.execute(update(core.fence).where(t.feed == feed.name).values(batch_no=t.batch_no))


def _refuse_unless_rolled_up(connection: Connection, feed: Feed, month: date) -> None:
    t, u = core.day_count.c, core.roll_up.c
    same = (u.feed == t.feed) & (u.event_date == t.event_date)
    query = (
        select(t.event_date)
        .outerjoin_from(core.day_count, core.roll_up, same)
        .where(t.feed == feed.name, t.expired == 0, t.stored + t.restated > 0)
        .where(t.event_date >= month, t.event_date < end_of(month).date())
        .where(or_(u.counted.is_(None), u.counted != t.stored + t.restated))
        .order_by(t.event_date)
    )
    missing = list(connection.scalars(query))
    if missing:
        message = (
            f"{feed.name} {month:%Y-%m}: not removed, the roll-ups of {len(missing)} days, of "
            f"{missing[0]} first, are older than their readings; run it again, or see "
            "`roll_up_feeds`"
        )
        raise CompactionRefused(message)


def _count_expired(connection: Connection, feed: Feed, month: date) -> None:
    """Count per day what is there, not what should be: what was missing before stays missing."""
    reading, t = feed_tables(feed).reading, core.day_count.c
    at, day = time_column(reading), begin_of(month)
    while day < end_of(month):
        query = select(func.count()).select_from(reading).where(at >= day, at < day + _DAY)
        gone = connection.execute(query).scalar_one()
        mine = (t.feed == feed.name, t.event_date == day.date())
        if gone:
            more = update(core.day_count).where(*mine).values(expired=t.expired + gone)
            if not connection.execute(more).rowcount:
                row = {"feed": feed.name, "event_date": day.date(), "stored": 0, "restated": 0}
                connection.execute(insert(core.day_count).values(row | {"expired": gone}))
        day += _DAY


def _remove_alerts(connection: Connection, feed: Feed, month: date) -> None:
    """Each alert is a flagged reading, in a table that all feeds share."""
    a = core.alert.c
    rules = select(core.rule.c.rule_id).where(core.rule.c.feed == feed.name)
    span = (a.event_time >= begin_of(month), a.event_time < end_of(month))
    connection.execute(delete(core.alert).where(a.rule_id.in_(rules), *span))
