"""Keep the months of a feed's fact tables: prepare, roll up, expire, compact.

One run looks at every closed month, or at the one it is told; a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date

from sqlalchemy import Engine, Table, create_engine, select

from vigie.compaction.compact import Work, compact_table
from vigie.compaction.documents import forget_documents
from vigie.compaction.expire import expire_month, expired_months
from vigie.compaction.periods import closes_at, month_of
from vigie.compaction.record import Compacted
from vigie.contract.feed import Feed
from vigie.errors import CompactionBusy, CompactionRefused
from vigie.warehouse import core
from vigie.warehouse.dialects import open_fact_months
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.month_locks import hold_months
from vigie.warehouse.roll_ups import roll_up_changed
from vigie.warehouse.types import UtcNow


def compact_feed(
    feed: Feed,
    *,
    person: str,
    month: date | None = None,
    dry_run: bool = False,
    engine: Engine | None = None,
) -> Iterator[Compacted]:
    """Compact and expire; yields each month of a table where something was done.

    Args:
        feed: The contract.
        person: Who asked for it, for the record.
        month: Its first day, if not all that are closed.
        dry_run: Say what would be done first, and change nothing.
        engine: The warehouse, with the role that owns its tables.

    Raises:
        CompactionRefused: The month is not over or nobody has rows of it; or some months could not
            be done, each of which is named, after all others.
        CompactionBusy: Others worked on all of those.
        DuplicatesFound: Of all of those a table holds two rows of one key.
    """
    with _working(engine or get_engine("owner"), person, dry_run=dry_run) as work:
        chosen = _closed_months(work, feed) if month is None else [_closed(work, feed, month)]
        if not dry_run:
            _prepare(work, feed)
            roll_up_changed(feed, work.engine)
        failed: list[CompactionRefused] = []
        for each in chosen:
            try:
                yield from _work_on(work, feed, each)
            except CompactionRefused as error:
                failed.append(error)
        if not dry_run:
            forget_documents(work, feed)
        if failed:
            kinds = {type(error) for error in failed}
            kind = kinds.pop() if len(kinds) == 1 else CompactionRefused
            raise kind("\n".join(map(str, failed)))


def compactable(feed: Feed, month: date, engine: Engine | None = None) -> bool:
    """Whether the month of a day is closed, and a table of the feed has it."""
    with _working(engine or get_engine("owner"), "", dry_run=True) as work:
        return month_of(month) in _closed_months(work, feed)


@contextmanager
def _working(engine: Engine, person: str, *, dry_run: bool) -> Iterator[Work]:
    # One connection: what it wrote before is in the statistics it reads next.
    own = create_engine(engine.url, pool_size=1, max_overflow=0)
    try:
        with own.connect() as connection:
            now = connection.execute(select(UtcNow())).scalar_one()
        yield Work(own, engine, open_fact_months(own), now, person, dry_run)
    finally:
        own.dispose()


def _months(work: Work, feed: Feed) -> set[date]:
    with work.engine.connect() as connection:
        return {m for t in feed_tables(feed) for m in work.months.months(connection, t)}


def _closed_months(work: Work, feed: Feed) -> Sequence[date]:
    return sorted(m for m in _months(work, feed) if closes_at(feed, m) <= work.now)


def _closed(work: Work, feed: Feed, month: date) -> date:
    """The month, if it is one that can be compacted."""
    month, there = month_of(month), _months(work, feed)
    closes = closes_at(feed, month)
    if closes > work.now:
        message = (
            f"{feed.name} {month:%Y-%m}: still open, readings of it are expected until "
            f"{closes:%Y-%m-%d %H:%M} UTC; only closed months are compacted"
        )
        raise CompactionRefused(message)
    if month not in there:
        known = f"there are {min(there):%Y-%m} to {max(there):%Y-%m}" if there else "there is none"
        message = f"{feed.name} {month:%Y-%m}: no table has such a month; {known}"
        raise CompactionRefused(message)
    return month


def _prepare(work: Work, feed: Feed) -> None:
    for table in (*feed_tables(feed), core.alert):
        work.months.prepare(work.engine, table, month_of(work.now.astimezone(UTC).date()))


def _work_on(work: Work, feed: Feed, month: date) -> Iterator[Compacted]:
    with hold_months(work.locks, feed.name, [month]) as held:
        if not held:
            message = (
                f"{feed.name} {month:%Y-%m}: another process restates or compacts it; nothing was "
                "done. Run it again when that is over"
            )
            raise CompactionBusy(message)
        gone = expired_months(work, feed).get(month, [])
        if gone:
            yield from expire_month(work, feed, month, gone)
        for table in feed_tables(feed):
            if table not in gone:
                yield from _compact(work, feed, table, month)
    # All feeds share this one: whoever has it does it for all.
    with hold_months(work.locks, core.alert.fullname, [month]) as held:
        if held:
            yield from _compact(work, feed, core.alert, month)


def _compact(work: Work, feed: Feed, table: Table, month: date) -> Iterator[Compacted]:
    done = compact_table(work, feed.name, table, month)
    if done is not None:
        yield done
