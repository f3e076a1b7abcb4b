"""A day swapped while a driver streams into it: later arrivals stay, readers see whole days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, func, select, text, update

from benchmarks.sides import alive, running_stream
from tests.lake.topics import Topic
from tests.local_stack import wait_for
from tests.readings import message
from vigie.broker.offsets import read_topic
from vigie.broker.producer import Sender, make_producer
from vigie.contract.feed import Feed
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement.record import Why
from vigie.restatement.restate import restate_day
from vigie.supervision.driver import JAVA_OPTIONS
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]

Reading = tuple[str, datetime, int]
"""Sensor, event time, and the step of the values."""

_FIELD = "temperature"
_PER_DAY = 2000


@pytest.mark.timeout(600)
def test_late_readings_all_through_a_restatement(
    spark: SparkSession, source: Topic, warehouse: Engine, tmp_path: Path
) -> None:
    feed, log = source.feed, tmp_path / "stream.log"
    day = datetime.now(UTC).date() - timedelta(days=3)
    midnight = datetime.combine(day, time(), UTC)
    first = [r for n in (-1, 0, 1) for r in a_day(midnight + timedelta(days=n))]
    send(feed, first)
    with running_stream(log, feed, java_options=JAVA_OPTIONS) as driver:
        check = alive(driver, log)

        def settle() -> None:
            wait_for(lambda: check() or is_level(warehouse, feed), "the stream to be level")

        settle()
        before, others = rows(warehouse, feed, day), rows(warehouse, feed, day, others=True)
        spoil(warehouse, feed, day)
        with (
            watching(warehouse, feed, day) as seen,
            sending(feed, late_readings(midnight)) as acknowledged,
        ):
            wait_for(lambda: acknowledged() > 50, "late readings")
            done = restate_day(spark, feed, day, Why("tests"))
            restate_day(spark, feed, day, Why("tests"))
        settle()

    assert done.changed == _PER_DAY
    # How many of the first readings were spoiled, and whether panes had all readings.
    assert seen == {(_PER_DAY, True), (0, True)}
    restate_day(spark, feed, day, Why("tests"))
    again = restate_day(spark, feed, day, Why("tests"))
    assert again.batch_no is None, again
    assert again.records > done.records > 0
    now = {identity(row): row for row in rows(warehouse, feed, day)}
    assert [now[identity(row)] for row in before] == before
    assert len(now) > len(before)
    assert rows(warehouse, feed, day, others=True) == others
    assert reconcile(feed, warehouse, patience=5).unaccounted == ()


def a_day(midnight: datetime) -> list[Reading]:
    """Readings on whole seconds, all over the day."""
    return [(f"s-{n % 5}", midnight + timedelta(seconds=43 * n), n) for n in range(_PER_DAY)]


def late_readings(midnight: datetime) -> Iterator[Reading]:
    """Of the day: new ones on half seconds, copies, and conflicting copies, for ever."""
    of_day = a_day(midnight)
    for number in count():
        sensor, at, step = of_day[number * 7 % _PER_DAY]
        yield sensor, at + timedelta(milliseconds=500), step + number // _PER_DAY
        yield sensor, at, step
        yield sensor, at, step + 1


def send(feed: Feed, readings: list[Reading]) -> None:
    with Sender(make_producer(max_message=feed.kafka.max_message)) as sender:
        for reading in readings:
            send_one(sender, feed, reading)
    assert sender.failed == 0


def send_one(sender: Sender, feed: Feed, reading: Reading) -> None:
    sensor, at, step = reading
    value = orjson.dumps(message(feed, sensor=sensor, at=at, step=step))
    sender.send(feed.topic, sensor.encode(), value)


@contextmanager
def sending(feed: Feed, readings: Iterator[Reading]) -> Iterator[Callable[[], int]]:
    """Send some hundred readings a second all through the block; yields how many arrived."""
    with Sender(make_producer(max_message=feed.kafka.max_message), rate=300) as sender:

        def work() -> None:
            send_one(sender, feed, next(readings))

        with repeating(work):
            yield lambda: sender.acknowledged


@contextmanager
def watching(engine: Engine, feed: Feed, day: date) -> Iterator[set[tuple[int, bool]]]:
    """Look at the day again and again; what was seen is known after the block.

    Of the first readings, which lie on whole seconds, how many lack a value; and whether the panes
    hold as many readings as the facts.
    """
    seen: set[tuple[int, bool]] = set()
    within = "{0} >= :day AND {0} < :day + interval '1 day'"
    facts = f"FROM fact.{feed.name}_reading WHERE {within.format('event_time')}"
    query = text(
        f"SELECT (SELECT count(*) {facts} AND {_FIELD} IS NULL), "
        f"(SELECT count(*) {facts}) = (SELECT sum(readings) FROM fact.{feed.name}_pane "
        f"WHERE {within.format('pane_start')})"
    )
    moment = {"day": datetime.combine(day, time(), UTC)}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:

        def work() -> None:
            seen.add(tuple(connection.execute(query, moment).one()))

        with repeating(work):
            yield seen


@contextmanager
def repeating(work: Callable[[], None]) -> Iterator[None]:
    """Do something over and over in a thread of its own; what it raises fails the test."""
    over, failed = Event(), []

    def repeat() -> None:
        try:
            while not over.wait(0.001):
                work()
        except Exception as error:
            failed.append(error)

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert failed == []


def is_level(engine: Engine, feed: Feed) -> bool:
    t = core.ledger.c
    ends = select(t.kafka_partition, func.max(t.end_offset)).group_by(t.kafka_partition)
    with engine.connect() as connection:
        read = {row[0]: row[1] for row in connection.execute(ends.where(t.feed == feed.name))}
    topic = read_topic(feed.topic).partitions
    return all(read.get(part, 0) == end for part, (_, end) in topic.items())


def spoil(engine: Engine, feed: Feed, day: date) -> None:
    """Take a value from every reading of the day, behind everybody's back."""
    table = feed_tables(feed).reading
    at = func.date(func.timezone("UTC", table.c.event_time))
    with engine.begin() as connection:
        connection.execute(update(table).where(at == day).values({_FIELD: None}))


def rows(engine: Engine, feed: Feed, day: date, *, others: bool = False) -> list[dict[str, Any]]:
    """The readings of the day without batch numbers, or those of the others with all columns."""
    table = feed_tables(feed).reading
    at = func.date(func.timezone("UTC", table.c.event_time))
    columns = [c for c in table.c if others or c.name != "batch_no"]
    query = select(*columns).where(at != day if others else at == day)
    with engine.connect() as connection:
        found = connection.execute(query.order_by(*table.primary_key.columns)).mappings()
        return [dict(row) for row in found]


def identity(row: dict[str, Any]) -> tuple[int, datetime]:
    return row["sensor_id"], row["event_time"]
