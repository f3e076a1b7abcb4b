"""The plain loop: confluent-kafka, orjson and binary COPY, one transaction per batch.

It reads the feed's topic from the beginning to the end it finds, parses and checks each message,
and stores readings, panes, rejects and its ledger in tables equal to Vigie's. It promises
nothing: no copies, fence, gaps, alerts, clocks or day counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from confluent_kafka import Consumer, Message, TopicPartition

from benchmarks.plain_store import PlainStore, Row
from vigie.broker.offsets import TopicState, read_topic
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.settings import get_settings

_MESSAGES_PER_POLL = 10_000


class OutOfRangeError(Exception):
    """A field of a message lies outside the contract's range."""


def main() -> None:
    """Run the loop over the topic of the feed named in the arguments."""
    feed = get_feed(sys.argv[1])
    topic = read_topic(feed.topic)
    store = PlainStore(feed, topic.topic_id)
    judge = make_judge(feed, store.number_sensor)
    for batch_no, batch in enumerate(read_batches(feed, topic), 1):
        accepted, rejected = [], []
        for message in batch:
            try:
                accepted.append((*judge(message), batch_no))
            except (OutOfRangeError, KeyError, ValueError, TypeError) as error:
                rejected.append(_reject(message, error))
        store.commit(accepted, rejected, _ranges(batch), batch_no)
    # Its CPU seconds can be read for as long as it lives.
    sys.stdin.read()


def read_batches(feed: Feed, topic: TopicState) -> Iterator[list[Message]]:
    """Batches of the stream's size, from the first offset to the end `topic` had."""
    settings = {"bootstrap.servers": get_settings().kafka, "group.id": "plain-loop"}
    consumer = Consumer(settings | {"enable.auto.commit": False})
    consumer.assign([TopicPartition(feed.topic, part, 0) for part in topic.partitions])
    left = sum(end for _, end in topic.partitions.values())
    while left:
        batch: list[Message] = []
        wanted = min(left, feed.stream.max_rows)
        while len(batch) < wanted:
            batch += consumer.consume(min(wanted - len(batch), _MESSAGES_PER_POLL), timeout=1)
        left -= wanted
        yield batch
    consumer.close()


def make_judge(feed: Feed, number_sensor: Callable[[str], int]) -> Callable[[Message], Row]:
    """A function message → row of the reading table but its batch number.

    It raises OutOfRangeError, or KeyError, ValueError or TypeError for a malformed message.
    """
    limits = [(field.path, *(field.valid or (-1e308, 1e308))) for field in feed.fields.values()]
    late_after = feed.late_after.total_seconds()

    def judge(message: Message) -> Row:
        reading = orjson.loads(message.value() or b"")
        event_time = datetime.fromisoformat(reading[feed.event_time])
        values = _checked(reading, limits)
        late = message.timestamp()[1] / 1000 - event_time.timestamp() > late_after
        place = (late, message.partition(), message.offset())
        return (number_sensor(reading[feed.sensor]), event_time, *values, *place)

    return judge


def _checked(
    reading: Mapping[str, Any], limits: Sequence[tuple[str, float, float]]
) -> list[float | None]:
    values = []
    for path, low, high in limits:
        value = reading.get(path)
        if value is not None and not low <= value <= high:
            raise OutOfRangeError(f"{path}: {value} is outside {low:g} … {high:g}")
        values.append(value)
    return values


def _reject(message: Message, error: Exception) -> Row:
    reason = "out_of_range" if isinstance(error, OutOfRangeError) else "malformed"
    append_time = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
    place = (message.partition(), message.offset(), append_time)
    return (*place, reason, str(error), message.value())


def _ranges(batch: Sequence[Message]) -> dict[int, tuple[int, int]]:
    """First offset and the one behind the last, by partition; the topic has no holes."""
    ranges: dict[int, tuple[int, int]] = {}
    for message in batch:
        partition, offset = _place(message)
        begin, _ = ranges.get(partition, (offset, offset))
        ranges[partition] = (begin, offset + 1)
    return ranges


def _place(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise RuntimeError(f"not a message but an error: {message.error()}")
    return partition, offset


if __name__ == "__main__":
    main()
