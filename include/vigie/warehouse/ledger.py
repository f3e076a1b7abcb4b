"""The ledger: which offsets of which topic are in the facts. It is the stream's only checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ScalarSelect, Table, func, select

from vigie.errors import LedgerConflict
from vigie.warehouse import core
from vigie.warehouse.session import Session


@dataclass(frozen=True)
class OffsetRange:
    """A planned range of one partition: `begin` inclusive, `end` exclusive."""

    topic_id: str
    partition: int
    begin: int
    end: int


def ledger_ends(
    session: Session, feed: str, topic_id: str, partitions: Iterable[int]
) -> dict[int, int]:
    """Where the ledger, with its accepted gaps, ends in each partition; 0 where it is empty."""
    # One scalar subquery per partition is one step down the index; a GROUP BY reads all rows.
    parts = list(partitions)
    row = session.run(
        select(
            *(
                _last(table, feed, topic_id, part).label(f"{table.name}_{part}")
                for part in parts
                for table in (core.ledger, core.gap)
            )
        )
    )[0]
    return {p: max(row[f"ledger_{p}"] or 0, row[f"gap_{p}"] or 0) for p in parts}


def _last(table: Table, feed: str, topic_id: str, partition: int) -> ScalarSelect[int | None]:
    t = table.c
    query = select(func.max(t.end_offset)).where(
        t.feed == feed, t.topic_id == topic_id, t.kafka_partition == partition
    )
    if table is core.gap:
        query = query.where(t.accepted_at.is_not(None))
    return query.scalar_subquery()


def require_contiguous(session: Session, feed: str, ranges: Sequence[OffsetRange]) -> None:
    """Check that every range begins where the ledger ends.

    Raises:
        LedgerConflict: One does not; it is named with both offsets. Nothing was written.
    """
    ends = ledger_ends(session, feed, ranges[0].topic_id, [part.partition for part in ranges])
    for part in ranges:
        end = ends[part.partition]
        if part.begin != end:
            message = (
                f"{feed}: batch begins at offset {part.begin} of partition {part.partition}, the "
                f"ledger ends at {end}; nothing was written. The next launch starts at the ledger"
            )
            raise LedgerConflict(message)
