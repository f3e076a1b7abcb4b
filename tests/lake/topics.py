"""A topic for tests that remembers every byte sent to it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions, NewTopic
from pyspark.sql import SparkSession
from tenacity import retry, stop_after_delay, wait_fixed

from tests.readings import message
from vigie.broker.admin import get_admin
from vigie.broker.offsets import read_topic
from vigie.broker.topics import topic_settings
from vigie.contract.feed import Feed
from vigie.lake.place import lake_uri
from vigie.settings import get_settings

BAD: tuple[bytes | None, ...] = (
    *(b"", None, b"{", b"[]", b"\xff\xfe", b'{"a": 1}', b"null", b"\x00", b'{"x": NaN}'),
    b'{"sensor_id": "a", "measured_at": "99999-01-01T00:00:00Z"}',
)
Sent = dict[tuple[str, int, int], bytes | None]


class Topic:
    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sent: Sent = {}
        self.create()

    def create(self, partitions: int = 3) -> None:
        new = NewTopic(self.feed.topic, partitions, 1, config=topic_settings(self.feed))
        get_admin().create_topics([new])[self.feed.topic].result(30)
        self._await(partitions)
        self.id = read_topic(self.feed.topic).topic_id

    def delete(self) -> None:
        get_admin().delete_topics([self.feed.topic], operation_timeout=30)[self.feed.topic].result(
            30
        )

    def widen(self, partitions: int) -> None:
        get_admin().create_partitions([NewPartitions(self.feed.topic, partitions)])[
            self.feed.topic
        ].result(30)
        self._await(partitions)

    @retry(stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True)
    def _await(self, partitions: int) -> None:
        """Brokers show a change a moment after the controller accepted it."""
        assert len(read_topic(self.feed.topic).partitions) == partitions

    def expire(self, partition: int, before: int) -> None:
        from confluent_kafka import TopicPartition

        part = TopicPartition(self.feed.topic, partition, before)
        get_admin().delete_records([part])[part].result(30)

    def send(self, count: int, seed: int = 0) -> None:
        """Send valid readings of several days with malformed messages among them."""
        chance = random.Random(seed)
        now = datetime.now(UTC)
        producer = Producer({"bootstrap.servers": get_settings().kafka, "acks": "all"})
        partitions = len(read_topic(self.feed.topic).partitions)

        def keep(error: Any, sent: Any) -> None:
            assert error is None
            self.sent[self.id, sent.partition(), sent.offset()] = sent.value()

        for step in range(count):
            value: bytes | None
            if chance.random() < 0.1:
                value = chance.choice(BAD)
            else:
                at = now - timedelta(days=chance.randrange(4), seconds=step)
                value = orjson.dumps(message(self.feed, sensor=f"s-{step % 7}", at=at, step=step))
            producer.produce(
                *(self.feed.topic, value, f"s-{step % 7}"),
                partition=chance.randrange(partitions),
                headers=[("from", b"\x01test")],
                on_delivery=keep,
            )
            producer.poll(0)
        assert producer.flush(60) == 0


def data_files(feed: Feed) -> set[Path]:
    """The Parquet files in the feed's folder, whether a commit names them or not."""
    return set(Path(lake_uri(feed.name)).glob("day=*/*.parquet"))


def stored(spark: SparkSession, feed: Feed) -> list[tuple[tuple[str, int, int], bytes | None]]:
    """Coordinates and bytes of every row of the lake."""
    rows = spark.read.format("delta").load(lake_uri(feed.name))
    columns = ("topic_id", "kafka_partition", "kafka_offset", "raw")
    return [
        ((topic, part, offset), None if raw is None else bytes(raw))
        for topic, part, offset, raw in rows.select(*columns).collect()
    ]


def assert_once(spark: SparkSession, topic: Topic) -> None:
    rows = stored(spark, topic.feed)
    assert len(rows) == len(topic.sent)
    assert dict(rows) == topic.sent
