"""What reconciliations found, kept in `ops`: a row per run, and each day that was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select

from vigie.reconciliation.account import Reconciliation
from vigie.warehouse import core
from vigie.warehouse.moments import Ago

_FULL_EVERY = timedelta(days=1)
# Column of `ops.reconciliation` → what it sums over the partitions.
_SUMMED = {
    "messages_read": "read",
    "gap_offsets": "gaps",
    "overlap_offsets": "overlaps",
    **{name: name for name in ("stored", "copies", "conflicts", "quarantined", "control")},
}


@dataclass(frozen=True)
class Run:
    """One row of `ops.reconciliation`; `unaccounted` is None if everything was accounted for."""

    feed: str
    at: datetime
    is_full: bool
    seconds: float
    messages_read: int
    stored: int
    copies: int
    conflicts: int
    quarantined: int
    control: int
    gap_offsets: int
    overlap_offsets: int
    lag_messages: int | None
    unaccounted: str | None


def record(engine: Engine, account: Reconciliation, *, right: Mapping[date, int]) -> None:
    """Keep a run, and the readings of the days it counted and found right."""
    parts = account.partitions
    sums = {column: sum(getattr(p, name) for p in parts) for column, name in _SUMMED.items()}
    row = {
        "feed": account.feed,
        "is_full": account.full,
        "seconds": account.seconds,
        "lag_messages": account.lag_messages,
        "unaccounted": "\n".join(account.unaccounted) or None,
    }
    with engine.begin() as connection:
        connection.execute(insert(core.reconciliation).values(row | sums))
        _record_days(connection, account, right)


def full_is_due(connection: Connection, feed: str) -> bool:
    """Whether no full run of a feed is kept that is younger than a day."""
    t = core.reconciliation.c
    young = t.at > Ago(_FULL_EVERY)
    query = select(func.count()).where(t.feed == feed, t.is_full, young)
    return connection.execute(query).scalar_one() == 0


def recent_runs(connection: Connection, feed: str, *, limit: int) -> list[Run]:
    """The newest runs of a feed, newest first."""
    t = core.reconciliation.c
    columns = [t[name] for name in Run.__dataclass_fields__]
    query = select(*columns).where(t.feed == feed).order_by(t.at.desc()).limit(limit)
    return [Run(**row._mapping) for row in connection.execute(query)]


def _record_days(
    connection: Connection, account: Reconciliation, right: Mapping[date, int]
) -> None:
    t = core.reconciled_day
    mine = delete(t).where(t.c.feed == account.feed)
    connection.execute(mine if account.full else mine.where(t.c.event_date.in_(right)))
    if right:
        rows = [{"feed": account.feed, "event_date": d, "readings": n} for d, n in right.items()]
        connection.execute(insert(t), rows)
