"""How far the warehouse and the lake are behind the topics, whether or not a driver lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Engine, func, select

from vigie.broker.offsets import TopicState, read_topics
from vigie.contract.loader import load_feeds
from vigie.metrics.ledger import LedgerSums
from vigie.metrics.sources import Sample
from vigie.warehouse import core

_SECONDS = 2.0

Ends = Mapping[tuple[str, str, int], int]
"""By feed, topic id and partition, the offset that is read next."""


class Kafka:
    """Compares what the broker has with where ledger and lake end."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._sums = engine, LedgerSums()

    def read(self) -> Iterable[Sample]:
        """Four requests to the broker and four queries."""
        feeds = load_feeds()
        topics = read_topics([feed.topic for feed in feeds.values()], timeout=_SECONDS)
        with self._engine.connect() as connection:
            read, archived = self._read_ends(connection), _archived_ends(connection)
        for feed in feeds.values():
            retention = feed.kafka.retention.total_seconds()
            yield Sample("vigie_kafka_retention_seconds", (feed.name,), retention)
            topic = topics.get(feed.topic)
            if topic is None:
                continue
            for partition, left in _left(feed.name, topic, read).items():
                yield Sample("vigie_kafka_lag_messages", (feed.name, str(partition)), left)
            unarchived = sum(_left(feed.name, topic, archived).values())
            yield Sample("vigie_lake_lag_messages", (feed.name,), unarchived)

    def _read_ends(self, connection: Connection) -> Ends:
        """Where the ledger, with its accepted gaps, ends."""
        totals = self._sums.read(connection)
        ends = {(feed, *part): end for feed, t in totals.items() for part, end in t.ends.items()}
        g = core.gap.c
        keys = (g.feed, g.topic_id, g.kafka_partition)
        accepted = select(*keys, func.max(g.end_offset)).where(g.accepted_at.is_not(None))
        for *key, end in connection.execute(accepted.group_by(*keys)):
            place = (key[0], key[1], key[2])
            ends[place] = max(ends.get(place, 0), end)
        return ends


def _archived_ends(connection: Connection) -> Ends:
    t = core.archive.c
    rows = connection.execute(select(t.feed, t.topic_id, t.kafka_partition, t.end_offset))
    return {(row.feed, row.topic_id, row.kafka_partition): row.end_offset for row in rows}


def _left(feed: str, topic: TopicState, ends: Ends) -> dict[int, int]:
    """Messages behind the end, by partition; what has expired is no longer there to be read."""
    return {
        part: max(last - max(ends.get((feed, topic.topic_id, part), 0), first), 0)
        for part, (first, last) in topic.partitions.items()
    }
