"""Keeps the hourly and daily roll-ups of a feed true: closed periods only, each computed whole.

An hour or a day is closed once the database's clock passed its end. A day is looked at again while
it is open, and whenever `ops.day_count` says that readings were added since: no reading is searched
for. Each day is a transaction of its own, and computing a period again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, Engine, insert, or_, select, update

from vigie.contract.feed import Feed
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.types import UtcNow

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_Pick = Callable[[Connection, datetime], Iterable[datetime]]


@dataclass(frozen=True)
class RolledUp:
    """How many hours and days were computed."""

    hours: int = 0
    days: int = 0


def roll_up_changed(feed: Feed, engine: Engine | None = None) -> RolledUp:
    """Compute what closed or changed since the last time.

    A day some of whose readings expired keeps the roll-ups it has.
    """
    engine = engine or get_engine()
    warehouse = open_warehouse(engine)
    days = _changed_days(engine, feed)
    return _total(
        _roll_up_day(engine, feed, day, lambda c, start: warehouse.changed_hours(c, feed, start))
        for day in days
    )


def roll_up(feed: Feed, begin: datetime, end: datetime, engine: Engine | None = None) -> RolledUp:
    """Compute every closed hour that touches [begin, end), and the closed days around them.

    For restatement, compaction and backfills: it does not ask whether anything changed. A day some
    of whose readings expired keeps the roll-ups it has.
    """
    engine = engine or get_engine()
    warehouse = open_warehouse(engine)

    def pick(connection: Connection, start: datetime) -> list[datetime]:
        # With the changed ones, since the whole day is recorded as done.
        changed = warehouse.changed_hours(connection, feed, start)
        hours = (start + i * _HOUR for i in range(24))
        return sorted({*changed, *(hour for hour in hours if begin - _HOUR < hour < end)})

    # A range of years holds few days that have readings.
    t = core.day_count.c
    query = select(t.event_date).where(
        t.feed == feed.name, t.event_date >= _utc_date(begin), t.event_date <= _utc_date(end)
    )
    with engine.connect() as connection:
        days = connection.execute(query.order_by(t.event_date)).scalars().all()
    return _total(_roll_up_day(engine, feed, day, pick) for day in days if _midnight(day) < end)


def _changed_days(engine: Engine, feed: Feed) -> list[date]:
    t, u = core.day_count.c, core.roll_up.c
    same = (u.feed == t.feed) & (u.event_date == t.event_date)
    query = (
        select(t.event_date)
        .outerjoin_from(core.day_count, core.roll_up, same)
        .where(t.feed == feed.name, t.expired == 0)
        .where(or_(u.counted.is_(None), u.counted != t.stored + t.restated))
        .order_by(t.event_date)
    )
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def _roll_up_day(engine: Engine, feed: Feed, day: date, pick: _Pick) -> RolledUp:
    warehouse, tables, start = open_warehouse(engine), feed_tables(feed), _midnight(day)
    for table in (tables.hourly, tables.daily):
        warehouse.ensure_months(table, [day])
    with engine.begin() as connection:
        _lock(connection, feed, day)
        # Counted before anything is read: what arrives meanwhile makes the day change again.
        counted = _counted(connection, feed, day)
        now = connection.execute(select(UtcNow())).scalar_one()
        if counted is None or start >= now:
            return RolledUp()
        hours = [hour for hour in pick(connection, start) if hour + _HOUR <= now]
        for first, end in _runs(hours):
            warehouse.roll_up(connection, feed, tables.hourly, first, end)
        closed = start + _DAY <= now
        if closed:
            warehouse.roll_up(connection, feed, tables.daily, start, start + _DAY)
            _record(connection, feed, day, counted, now)
        return RolledUp(len(hours), int(closed))


def _lock(connection: Connection, feed: Feed, day: date) -> None:
    """Hold the day's row until the transaction ends: one at a time computes it."""
    t = core.roll_up.c
    same = (t.feed == feed.name, t.event_date == day)
    locked = connection.execute(update(core.roll_up).where(*same).values(counted=t.counted))
    if not locked.rowcount:
        connection.execute(insert(core.roll_up).values(feed=feed.name, event_date=day))


def _record(connection: Connection, feed: Feed, day: date, counted: int, now: datetime) -> None:
    t = core.roll_up.c
    same = (t.feed == feed.name, t.event_date == day)
    done = update(core.roll_up).where(*same).values(counted=counted, rolled_at=now)
    connection.execute(done)


def _counted(connection: Connection, feed: Feed, day: date) -> int | None:
    """How many readings the day was ever given; None if some of them expired."""
    t = core.day_count.c
    query = select(t.stored + t.restated).where(
        t.feed == feed.name, t.event_date == day, t.expired == 0
    )
    return connection.execute(query).scalar()


def _runs(hours: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Neighbouring hours as one range each, begin inclusive, end exclusive."""
    while hours:
        count = 1
        while count < len(hours) and hours[count] == hours[0] + count * _HOUR:
            count += 1
        yield hours[0], hours[0] + count * _HOUR
        hours = hours[count:]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _utc_date(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _total(parts: Iterable[RolledUp]) -> RolledUp:
    total = RolledUp()
    for part in parts:
        total = RolledUp(total.hours + part.hours, total.days + part.days)
    return total
