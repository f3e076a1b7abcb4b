"""How far the lake is behind the topic, and which feeds have something to archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from confluent_kafka import Consumer, TopicPartition
from deltalake import DeltaTable

from vigie.broker.admin import client_log
from vigie.broker.login import client_settings
from vigie.broker.offsets import TopicState, read_topic
from vigie.contract.feed import Feed
from vigie.errors import BrokerError, TopicMissing
from vigie.lake.ledger import LakeLedger, LostRange, read_ledger
from vigie.lake.place import file_sizes, lake_uri, open_table
from vigie.lake.plan import plan


@dataclass(frozen=True)
class PartitionStatus:
    """One partition: archived up to `end`; `trailing` messages wait, null while Kafka is away."""

    topic_id: str
    partition: int
    end: int
    messages: int
    trailing: int | None


@dataclass(frozen=True)
class LakeStatus:
    """A feed's lake; `warning` is empty unless it trails by half of the topic's retention.

    `expired` records are gone by the lake's retention, whose first day kept is `kept_from`.
    """

    feed: str
    uri: str
    files: int
    bytes: int
    last_archive: datetime | None
    partitions: tuple[PartitionStatus, ...]
    lost: tuple[LostRange, ...]
    warning: str
    expired: int
    kept_from: date | None


def lake_status(feed: Feed) -> LakeStatus:
    """Ask lake and broker; a broker that is away only leaves `trailing` open.

    Raises:
        LakeError: The table is not one of ours.
    """
    table = open_table(feed.name)
    ledger = read_ledger(feed, table)
    try:
        topic = read_topic(feed.topic, timeout=5)
    except BrokerError:
        topic = None
    sizes = {} if table is None else file_sizes(table)
    return LakeStatus(
        *(feed.name, lake_uri(feed.name), len(sizes), sum(sizes.values()), _last_append(table)),
        tuple(_partitions(ledger, topic)),
        ledger.lost,
        "" if topic is None else _warning(feed, ledger, topic),
        *(ledger.expired_records, ledger.kept_from),
    )


def feeds_with_news(feeds: Iterable[Feed]) -> list[str]:
    """Names of the feeds whose topic has messages, or losses, that the lake has not seen.

    Raises:
        BrokerAway: No broker answered.
    """
    return [feed.name for feed in feeds if _has_news(feed)]


def _has_news(feed: Feed) -> bool:
    try:
        topic = read_topic(feed.topic)
    except TopicMissing:
        return False
    step = plan(read_ledger(feed), topic)
    return bool(step.ranges or step.lost or step.faults)


def _partitions(ledger: LakeLedger, topic: TopicState | None) -> Iterable[PartitionStatus]:
    counts: dict[tuple[str, int], int] = {}
    for part in ledger.held:
        key = (part.topic_id, part.partition)
        counts[key] = counts.get(key, 0) + part.end - part.begin
    now = {} if topic is None else topic.partitions
    if topic is not None:
        counts |= {(topic.topic_id, p): counts.get((topic.topic_id, p), 0) for p in now}
    for (topic_id, partition), messages in sorted(counts.items()):
        end = ledger.ends(topic_id).get(partition, 0)
        trailing = None
        if topic is not None:
            first, last = now[partition] if topic_id == topic.topic_id else (end, end)
            trailing = max(last - max(end, first), 0)
        yield PartitionStatus(topic_id, partition, end, messages, trailing)


def _last_append(table: DeltaTable | None) -> datetime | None:
    for commit in () if table is None else table.history():
        if commit.get("operation") == "WRITE":
            return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)
    return None


def _warning(feed: Feed, ledger: LakeLedger, topic: TopicState) -> str:
    """Say so where the oldest message not archived has lived half of its life."""
    ends = ledger.ends(topic.topic_id)
    waiting = {
        part: max(ends.get(part, 0), first)
        for part, (first, last) in topic.partitions.items()
        if max(ends.get(part, 0), first) < last
    }
    ages = [_age(feed, part, offset) for part, offset in waiting.items()]
    oldest = max((age for age in ages if age is not None), default=timedelta())
    if oldest < feed.kafka.retention / 2:
        return ""
    return (
        f"{feed.name}: the oldest message not archived is {oldest} old, the topic keeps "
        f"{feed.kafka.retention}. Look at the DAG archive_feeds before it expires"
    )


def _age(feed: Feed, partition: int, offset: int) -> timedelta | None:
    consumer = Consumer(client_settings() | {"group.id": "vigie-lake"}, logger=client_log)
    try:
        consumer.assign([TopicPartition(feed.topic, partition, offset)])
        message = consumer.poll(5)
    finally:
        consumer.close()
    if message is None or message.error() is not None:
        return None
    return datetime.now(UTC) - datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
