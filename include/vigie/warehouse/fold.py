"""Keeps the ledger short: old rows become one per topic id, partition and day, still tiling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    case,
    delete,
    func,
    insert,
    select,
)

from vigie.warehouse import core
from vigie.warehouse.engines import snapshots
from vigie.warehouse.moments import UtcDate
from vigie.warehouse.types import UtcNow

KEPT = timedelta(days=7)
"""How long a batch keeps its own row."""

_DAY = timedelta(days=1)
_KEYS = ("topic_id", "kafka_partition")
_NEWEST = ("end_offset", "batch_no", "launch", "committed_at")
_SUMMED = ("messages_read", "stored", "copies", "conflicts", "quarantined", "control")


def fold_ledger(engine: Engine, feed: str) -> int:
    """Fold each whole UTC day of a feed's ledger that is older than `KEPT`.

    A folded row spans ranges that follow one another, has the sums of their counts and the newest
    batch, launch and time among them. A range behind an accepted gap begins a row of its own, so
    that no offset is covered that no batch read. A day is folded in one transaction; the stream
    may commit meanwhile.

    Returns:
        How many rows fewer the ledger has.
    """
    # One snapshot per day: what is removed is exactly what was added up.
    with engine.connect() as connection:
        days = _days(connection, feed)
    saved = 0
    for day in days:
        with snapshots(engine).begin() as connection:
            saved += _fold_day(connection, feed, day)
    return saved


def _days(connection: Connection, feed: str) -> Sequence[datetime]:
    """The days to fold, as their first moments, oldest first."""
    now: datetime = connection.execute(select(UtcNow())).scalar_one()
    end = datetime.combine((now.astimezone(UTC) - KEPT).date(), time(), UTC)
    t = core.ledger.c
    day = UtcDate(t.committed_at)
    query = select(day).where(t.feed == feed, t.committed_at < end).group_by(day).order_by(day)
    return [datetime.combine(date, time(), UTC) for date in connection.scalars(query)]


def _fold_day(connection: Connection, feed: str, day: datetime) -> int:
    t = core.ledger.c
    of_day = (t.feed == feed, t.committed_at >= day, t.committed_at < day + _DAY)
    count = connection.execute(select(func.count()).where(*of_day)).scalar_one()
    rows = [{"feed": feed, **row._mapping} for row in connection.execute(_folded(of_day))]
    if len(rows) == count:
        return 0
    connection.execute(delete(core.ledger).where(*of_day))
    connection.execute(insert(core.ledger), rows)
    return count - len(rows)


def _folded(of_day: Sequence[ColumnElement[bool]]) -> Select[Any]:
    t = core.ledger.c
    order: dict[str, Any] = {"partition_by": [t[k] for k in _KEYS], "order_by": t.begin_offset}
    follows = t.begin_offset == func.lag(t.end_offset).over(**order)
    steps = select(core.ledger, case((follows, 0), else_=1).label("step")).where(*of_day).subquery()
    s = steps.c
    order = {"partition_by": [s[k] for k in _KEYS], "order_by": s.begin_offset}
    runs = select(steps, func.sum(s.step).over(**order).label("run")).subquery()
    r = runs.c
    keys = [r[k] for k in _KEYS]
    return select(
        *keys,
        func.min(r.begin_offset).label("begin_offset"),
        *(func.max(r[name]).label(name) for name in _NEWEST),
        *(func.sum(r[name]).label(name) for name in _SUMMED),
    ).group_by(*keys, r.run)
