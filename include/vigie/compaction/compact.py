"""Make one closed month of one fact table dense, while loads go on.

unchanged since the last time? ─ measure ─ duplicates? ─▶ steps of the policy ─ measure ─▶ record

Each step leaves the month as before or as after; a run that was killed is finished by the next.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine, Table, func, select

from vigie.compaction.duplicates import refuse_duplicates
from vigie.compaction.periods import begin_of, is_cold
from vigie.compaction.policy import Step, next_step
from vigie.compaction.record import Compacted, last_marker, write_record
from vigie.warehouse.fact_months import Density, FactMonths, time_column

_MOST: dict[Step, int] = {"rewrite": 1, "tidy": 3, "archive": 1}
"""How often one run takes a step: what loads bring meanwhile is left to the next run."""


@dataclass(frozen=True)
class Work:
    """What a run works with: its one connection, the database's ways, its clock, who asked.

    `locks` is for the locks it holds meanwhile.
    """

    engine: Engine
    locks: Engine
    months: FactMonths
    now: datetime
    person: str
    dry_run: bool = False


def compact_table(work: Work, feed: str, table: Table, month: date) -> Compacted | None:
    """Compact a month of a table; None where nothing changed since the last time.

    Raises:
        DuplicatesFound: Two rows have one key; nothing was changed.
        CompactionBusy: Others did not let go of the month.
    """
    begun, months = time.monotonic(), work.months
    with work.engine.connect() as connection:
        if month not in months.months(connection, table):
            return None
        known = last_marker(connection, table, month)
        marker = months.marker(connection, table, month)
        if marker == known:
            return None
        before = months.measure(connection, table, month, known)
        first = next_step(before, cold=is_cold(month, work.now))
        if first is None:
            return None
        if work.dry_run:
            return Compacted(feed, table.name, month, (first,), before, before)
        connection.rollback()
        refuse_duplicates(connection, months, table, month)
        connection.rollback()
        query_before = _query_ms(connection, table, month)
    steps, marker, after = _take_steps(work, table, month, marker, before)
    with work.engine.begin() as connection:
        taken = (query_before, _query_ms(connection, table, month))
        seconds = time.monotonic() - begun
        done = Compacted(feed, table.name, month, steps, before, after, taken, seconds)
        write_record(connection, done, marker=marker, person=work.person)
    return done


def _take_steps(
    work: Work, table: Table, month: date, marker: str, density: Density
) -> tuple[tuple[Step, ...], str, Density]:
    """Returns the steps taken, how the month looked before the last of them, and its density."""
    taken: list[Step] = []
    cold = is_cold(month, work.now)
    while True:
        step = next_step(density, cold=cold)
        if step is None or Counter(taken)[step] == _MOST[step]:
            return tuple(taken), marker, density
        # Rows that come while the step is taken make the marker differ, and so the next run look.
        with work.engine.connect() as connection:
            marker = work.months.marker(connection, table, month)
        getattr(work.months, step)(work.engine, table, month)
        taken.append(step)
        with work.engine.connect() as connection:
            density = work.months.measure(connection, table, month, marker)


def _query_ms(connection: Connection, table: Table, month: date) -> float:
    """Milliseconds to add up one day in the middle of the month, the second time it is asked."""
    at = time_column(table)
    begin = begin_of(month) + timedelta(days=14)
    last = list(table.columns)[-1]
    query = select(func.count(), func.max(last)).where(at >= begin, at < begin + timedelta(days=1))
    connection.execute(query).all()
    started = time.perf_counter()
    connection.execute(query).all()
    return round((time.perf_counter() - started) * 1000, 2)
