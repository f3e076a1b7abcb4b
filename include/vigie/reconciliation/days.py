"""Do the facts and panes of each day hold what the commits counted?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, or_, select

from vigie.contract.feed import Feed
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.moments import UtcDate

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """Readings per UTC day as the commits counted them, and as the facts and panes have them.

    `facts` has a count per day and Kafka partition. All three cover the same days.
    """

    counted: dict[date, int]
    facts: dict[tuple[date, int], int]
    panes: dict[date, int]

    def right(self) -> dict[date, int]:
        """The days without a fault, with their readings."""
        found = self._found()
        days = self.counted.keys() | found.keys()
        return {day: found.get(day, 0) for day in sorted(days) if not self._fault(day, found)}

    def faults(self) -> Iterator[str]:
        """A sentence per day that does not hold what was counted."""
        found = self._found()
        for day in sorted(self.counted.keys() | found.keys()):
            fault = self._fault(day, found)
            if fault:
                yield f"{day}: {fault}"

    def per_partition(self) -> dict[int, int]:
        """The facts of all these days per Kafka partition."""
        totals: dict[int, int] = {}
        for (_, part), count in self.facts.items():
            totals[part] = totals.get(part, 0) + count
        return totals

    def _found(self) -> dict[date, int]:
        totals: dict[date, int] = {}
        for (day, _), count in self.facts.items():
            totals[day] = totals.get(day, 0) + count
        return totals

    def _fault(self, day: date, found: dict[date, int]) -> str:
        readings, counted = found.get(day, 0), self.counted.get(day, 0)
        if readings != counted:
            return f"{counted} readings counted, found {readings}"
        # Panes outlive expired readings, so only a pane too few is a fault.
        panes = self.panes.get(day, 0)
        return f"panes hold {panes} readings, the facts {readings}" if panes < readings else ""


def all_days(connection: Connection, feed: Feed) -> Days:
    """Count every day of a feed: reads the whole fact table."""
    return _count(connection, feed, None)


def changed_days(connection: Connection, feed: Feed) -> Days:
    """Count only the days whose counter moved since they were last found right."""
    return _count(connection, feed, _changed(connection, feed))


def counted_in_all(connection: Connection, feed: Feed) -> tuple[int, int, int]:
    """Readings counted as stored by batches, as restated, and as expired, over all days."""
    t = core.day_count.c
    sums = (func.coalesce(func.sum(column), 0) for column in (t.stored, t.restated, t.expired))
    stored, restated, expired = connection.execute(select(*sums).where(t.feed == feed.name)).one()
    return int(stored), int(restated), int(expired)


def _changed(connection: Connection, feed: Feed) -> set[date]:
    t = core.reconciled_day.c
    known = select(t.event_date, t.readings).where(t.feed == feed.name)
    right = {row.event_date: row.readings for row in connection.execute(known)}
    counted = _counted(connection, feed)
    return {day for day, count in counted.items() if right.get(day) != count}


def _count(connection: Connection, feed: Feed, days: Collection[date] | None) -> Days:
    tables, counted = feed_tables(feed), _counted(connection, feed)
    if days is not None:
        counted = {day: count for day, count in counted.items() if day in days}
    part = tables.reading.c.kafka_partition
    day = _day(tables.reading, "event_time")
    facts = (
        select(day, part, func.count())
        .where(_within(tables.reading, "event_time", days))
        .group_by(day, part)
    )
    day = _day(tables.pane, "pane_start")
    panes = (
        select(day, func.sum(tables.pane.c.readings))
        .where(_within(tables.pane, "pane_start", days))
        .group_by(day)
    )
    return Days(
        counted=counted,
        facts={(row[0], row[1]): row[2] for row in connection.execute(facts)},
        panes={row[0]: int(row[1]) for row in connection.execute(panes)},
    )


def _counted(connection: Connection, feed: Feed) -> dict[date, int]:
    t = core.day_count.c
    expected = (t.stored + t.restated - t.expired).label("expected")
    query = select(t.event_date, expected).where(t.feed == feed.name)
    return {row.event_date: row.expected for row in connection.execute(query)}


def _day(table: Table, column: str) -> ColumnElement[date]:
    return UtcDate(table.c[column])


def _within(table: Table, column: str, days: Collection[date] | None) -> ColumnElement[bool]:
    """The rows of these days, as ranges of time that partitions and indexes understand."""
    if days is None:
        return table.c[column].is_not(None)
    spans = (
        and_(table.c[column] >= _midnight(first), table.c[column] < _midnight(last + _DAY))
        for first, last in _runs(days)
    )
    return or_(false(), *spans)


def _runs(days: Collection[date]) -> Iterator[tuple[date, date]]:
    """Days as runs without a hole, each as its first and last day."""
    ordered = sorted(days)
    for i, first in enumerate(ordered):
        if i and first - ordered[i - 1] == _DAY:
            continue
        last = first
        for day in ordered[i + 1 :]:
            if day - last != _DAY:
                break
            last = day
        yield first, last


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
