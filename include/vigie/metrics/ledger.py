"""Adds up the ledger without reading it again: a batch counts once, by its number.

The ledger has a row for each batch of the last week. A sum over all of it would take longer each
day; what was read before is remembered here instead. Batch numbers are given under the fence's
lock, in the transaction that stores the batch: none appears behind one that was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from vigie.warehouse import core

COUNTS = ("messages_read", "stored", "copies", "conflicts", "quarantined")


@dataclass
class Totals:
    """One feed: sums over all batches up to `batch_no`, the last commit, and where it ends.

    `ends` maps (topic id, partition) to the next offset to read.
    """

    batch_no: int = -1
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    committed_at: datetime | None = None
    ends: dict[tuple[str, int], int] = field(default_factory=dict)


class LedgerSums:
    """The totals of every feed that has a ledger; safe where one thread reads at a time."""

    def __init__(self) -> None:
        self._totals: dict[str, Totals] = {}

    def read(self, connection: Connection) -> Mapping[str, Totals]:
        """Add what was committed since the last call."""
        numbers = _batch_numbers(connection)
        known = self._totals
        # A number that went back is another warehouse, or an older state of this one.
        totals = {
            feed: known[feed] if feed in known and known[feed].batch_no <= number else Totals()
            for feed, number in numbers.items()
        }
        news = {f: totals[f].batch_no for f, n in numbers.items() if n > totals[f].batch_no}
        if news:
            # All of them first: what is half added up would count twice the next time.
            for row in connection.execute(_added(news)).all():
                _add(totals[row.feed], row)
        for feed, number in numbers.items():
            totals[feed].batch_no = max(totals[feed].batch_no, number)
        self._totals = totals
        return totals


def _batch_numbers(connection: Connection) -> dict[str, int]:
    t = core.fence.c
    return {row.feed: row.batch_no for row in connection.execute(select(t.feed, t.batch_no))}


def _added(news: Mapping[str, int]) -> Select[Any]:
    t = core.ledger.c
    new = or_(*(and_(t.feed == feed, t.batch_no > number) for feed, number in news.items()))
    keys = (t.feed, t.topic_id, t.kafka_partition)
    return (
        select(
            *keys,
            func.max(t.end_offset).label("end_offset"),
            func.max(t.batch_no).label("batch_no"),
            func.max(t.committed_at).label("committed_at"),
            *(func.sum(t[name]).label(name) for name in COUNTS),
        )
        .where(new)
        .group_by(*keys)
    )


def _add(totals: Totals, row: Any) -> None:
    key = (row.topic_id, row.kafka_partition)
    totals.ends[key] = max(totals.ends.get(key, 0), row.end_offset)
    totals.batch_no = max(totals.batch_no, row.batch_no)
    if totals.committed_at is None or row.committed_at > totals.committed_at:
        totals.committed_at = row.committed_at
    for name in COUNTS:
        totals.counts[name] += int(getattr(row, name))
