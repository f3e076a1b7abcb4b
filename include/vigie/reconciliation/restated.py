"""By how much restatements changed what the ledger counted, per Kafka partition."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from vigie.warehouse import core


@dataclass(frozen=True)
class Restated:
    """Readings in the facts, and messages in quarantine, against the ledger's counts."""

    readings: dict[int, int]
    quarantined: dict[int, int]


def read_restated(connection: Connection, feed: str) -> Restated:
    """The sums over all restatements of a feed."""
    t = core.restated.c
    query = select(t.kafka_partition, t.readings, t.quarantined).where(t.feed == feed)
    rows = connection.execute(query).all()
    return Restated({row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows})
