"""By how much restatements changed what the ledger counted, per Kafka partition."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from vigie.warehouse import core


@dataclass(frozen=True)
class Restated:
    """Readings in the facts, and messages in quarantine, against the ledger's counts.

    `released` are the messages whose row in quarantine says that they left it.
    """

    readings: dict[int, int]
    quarantined: dict[int, int]
    released: int


def read_restated(connection: Connection, feed: str) -> Restated:
    """The sums over all restatements of a feed."""
    t = core.restated.c
    query = select(t.kafka_partition, t.readings, t.quarantined).where(t.feed == feed)
    rows = connection.execute(query).all()
    q = core.quarantine.c
    released = connection.scalar(select(func.count(q.released_at)).where(q.feed == feed))
    readings, quarantined = ({row[0]: row[i] for row in rows} for i in (1, 2))
    return Restated(readings, quarantined, int(released or 0))
