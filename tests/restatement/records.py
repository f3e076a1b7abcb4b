"""All records a test may send, judged by Spark once, and streams made of choices among them.

A judgement depends on a record's bytes and append time alone. So Spark judges every message at
every append time in bulk, and a test draws from them what arrives, in which order and partition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy import ColumnElement, Engine, Table, delete, select

from tests.readings import message, place
from tests.restatement.pool import DAY, NOON, TOPIC, Stream, out_of_range
from vigie.contract.feed import Feed
from vigie.restatement.stored import day_span
from vigie.streaming.assemble import judge
from vigie.streaming.commit import Batch
from vigie.streaming.split import split
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.ledger import OffsetRange

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
PARTITIONS = 3

SENSORS = ("s-0", "s-1", "é \u20ac'\\")
_DAY, _MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)
MOMENTS = (
    MIDNIGHT,
    MIDNIGHT + timedelta(microseconds=400),  # The same reading as the one before.
    MIDNIGHT - _MILLISECOND,
    MIDNIGHT + _DAY - _MILLISECOND,
    MIDNIGHT + _DAY,
    NOON,
    NOON + timedelta(seconds=1),
    NOON + timedelta(seconds=59, milliseconds=999),
    NOON + timedelta(minutes=35),
    MIDNIGHT + timedelta(days=3),
    datetime(1999, 12, 31, 12, tzinfo=UTC),
)
"""Event times where a mistake would show: edges of day, pane and history."""
APPENDED = (
    MIDNIGHT - timedelta(minutes=3),
    MIDNIGHT + timedelta(seconds=1),
    NOON + timedelta(minutes=1),
    NOON + timedelta(minutes=20),
    MIDNIGHT + _DAY,
    MIDNIGHT + timedelta(days=1, hours=6),
    MIDNIGHT + timedelta(days=4),
)
BAD = (b"", b"{", b"\xff\xfe", b"[]", b'{"a": 1}', b"null", b"\x00")

Choice = tuple[int, int, int]
"""Sensor, event time and values of a message, as indices into `SENSORS`, `MOMENTS` and `VALUES`."""


@dataclass(frozen=True)
class Arrival:
    """One record: a message (an integer is one of `BAD`), when it is appended, and where.

    `advance` is by how many of `APPENDED` the broker's clock moves before it. Without a
    `partition` it has that of its sensor, as a key gives it one.
    """

    what: Choice | int
    advance: int = 0
    partition: int | None = None


def _plain(feed: Feed, message: dict[str, Any]) -> None:
    del feed, message


def _other(feed: Feed, message: dict[str, Any]) -> None:
    for found in feed.fields.values():
        if found.valid and found.type == "float":
            place(message, found.path, found.valid[0] + (found.valid[1] - found.valid[0]) / 3)


def _beyond(feed: Feed, message: dict[str, Any]) -> None:
    name, value = out_of_range(feed)
    place(message, feed.fields[name].path, value)


def _flagged(feed: Feed, message: dict[str, Any]) -> None:
    for alert in feed.alerts.values():
        if alert.when.above is not None:
            place(message, feed.fields[alert.when.field].path, alert.when.above + 1)


def _sparse(feed: Feed, message: dict[str, Any]) -> None:
    for found in [*feed.fields.values()][1:]:
        place(message, found.path, None)
    if feed.status and feed.status.fault:
        place(message, feed.status.field, feed.status.fault[0])


def _empty(feed: Feed, message: dict[str, Any]) -> None:
    for found in feed.fields.values():
        place(message, found.path, None)


def _lost(feed: Feed, message: dict[str, Any]) -> None:
    """Impossible where the feed has positions, else a message without a sensor."""
    if feed.position:
        place(message, feed.position.latitude, 1000)
    else:
        place(message, feed.sensor, None)


VALUES = (_plain, _other, _flagged, _beyond, _sparse, _empty, _lost)


@dataclass(frozen=True)
class Pool:
    """Every message at every append time as Spark judged them."""

    feed: Feed = field(repr=False)
    judged: pa.Table = field(repr=False)

    @classmethod
    def of(cls, spark: SparkSession, feed: Feed, contents: Feed) -> Pool:
        """Have `feed` judge messages made for the contract `contents`."""
        messages = list(_messages(contents))
        count = len(messages) * len(APPENDED)
        rows = pa.table(
            {
                "partition": np.zeros(count, np.int32),
                "offset": np.arange(count),
                "timestamp": pa.array(APPENDED * len(messages), pa.timestamp("us", tz="UTC")),
                "value": pa.array([value for value in messages for _ in APPENDED], pa.binary()),
            }
        )
        found = judge(spark.createDataFrame(rows), feed).toArrow().sort_by("kafka_offset")
        topic = pa.repeat(pa.scalar(TOPIC), found.num_rows)
        return cls(feed, found.append_column("topic_id", topic))

    def records(self, arrivals: Iterable[Arrival]) -> pa.Table:
        """The arrivals with coordinates, in the order in which they arrive."""
        time, rows, parts = 0, [], []
        for arrival in arrivals:
            time = min(time + arrival.advance, len(APPENDED) - 1)
            rows.append(_number(arrival.what) * len(APPENDED) + time)
            parts.append(_partition(arrival))
        parts_array = np.array(parts, dtype=np.int32)
        offsets = np.zeros(len(rows), np.int64)
        for part in range(PARTITIONS):
            mine = parts_array == part
            offsets[mine] = np.arange(np.count_nonzero(mine))
        records = self.judged.take(pa.array(rows, pa.int64()))
        records = _put(records, "kafka_partition", pa.array(parts_array))
        return _put(records, "kafka_offset", pa.array(offsets))


def _messages(feed: Feed) -> Iterator[bytes]:
    yield from BAD
    for sensor in SENSORS:
        for moment in MOMENTS:
            for change in VALUES:
                one = message(feed, sensor=sensor, at=moment)
                change(feed, one)
                yield json.dumps(one).encode()


def _number(what: Choice | int) -> int:
    if isinstance(what, int):
        return what
    sensor, moment, values = what
    return len(BAD) + (sensor * len(MOMENTS) + moment) * len(VALUES) + values


def _partition(arrival: Arrival) -> int:
    if arrival.partition is not None:
        return arrival.partition
    what = arrival.what
    return (what if isinstance(what, int) else what[0]) % PARTITIONS


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.column_names.index(name), name, values)


@dataclass
class Run:
    """A stream whose records are stored batch by batch; `begins` is where each partition is."""

    stream: Stream
    begins: dict[int, int] = field(default_factory=dict)

    def advance(self, step: Sequence[int]) -> None:
        """Store one batch: up to so many records of each partition."""
        rows = self.stream.records
        parts, offsets = rows["kafka_partition"].to_numpy(), rows["kafka_offset"].to_numpy()
        ranges = []
        for part in np.unique(parts).tolist():
            begin, last = self.begins.get(part, 0), int(offsets[parts == part].max()) + 1
            end = min(last, begin + step[part])
            if end > begin:
                ranges.append(OffsetRange(TOPIC, part, begin, end))
        if not ranges:
            return
        mine = np.zeros(len(parts), dtype=bool)
        for r in ranges:
            mine |= (parts == r.partition) & (offsets >= r.begin) & (offsets < r.end)
        table = rows.filter(pa.array(mine)).drop_columns(["topic_id"])
        read = {r.partition: r.end - r.begin for r in ranges}
        self.stream.store.store(Batch(ranges, read, split(table, self.stream.feed)))
        self.begins |= {r.partition: r.end for r in ranges}

    def finish(self, steps: Iterable[Sequence[int]]) -> None:
        """Store a batch per step, and in the end what the steps left."""
        for step in steps:
            self.advance(step)
        self.advance([self.stream.records.num_rows] * PARTITIONS)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Readings, alerts and panes in all columns but the batch number, sensors by name."""
        tables = feed_tables(self.stream.feed)
        found = {}
        with self.stream.engine.connect() as connection:
            t = core.sensor.c
            names = {row[0]: row[1] for row in connection.execute(select(t.sensor_id, t.sensor))}
            for table in (tables.reading, core.alert, tables.pane):
                rows = [
                    {name: value for name, value in row.items() if name != "batch_no"}
                    | {"sensor_id": names[row["sensor_id"]]}
                    for row in connection.execute(select(table)).mappings()
                ]
                key = [column.name for column in table.primary_key]
                found[table.name] = sorted(rows, key=lambda row: [row[name] for name in key])
        return found

    def quarantine(self) -> list[Any]:
        """Every message in quarantine in all columns but the batch number and its moment."""
        t = core.quarantine.c
        columns = [column for column in t if column.name not in {"batch_no", "quarantined_at"}]
        query = select(*columns).order_by(t.kafka_partition, t.kafka_offset)
        with self.stream.engine.connect() as connection:
            return list(connection.execute(query))


def forget(engine: Engine, feed: Feed) -> None:
    """Empty the warehouse, so that another stream may begin in it."""
    ours = (core.restated, core.restatement, core.reconciliation, core.reconciled_day)
    ours += (core.quarantine, core.alert_outbox, core.alert_state, core.alert, core.ledger)
    ours += (core.sensor_clock, core.day_count, core.fence, core.launch_session, core.launch)
    with engine.begin() as connection:
        for table in (*ours, core.sensor, *feed_tables(feed)):
            connection.execute(delete(table))


def remove_day(engine: Engine, feed: Feed) -> None:
    """Delete the day's readings, alerts and panes behind everybody's back."""
    tables = feed_tables(feed)
    with engine.begin() as connection:
        for table in (tables.reading, core.alert, tables.pane):
            connection.execute(delete(table).where(*in_day(table)))


def in_day(table: Table) -> tuple[ColumnElement[bool], ...]:
    """Which rows of a fact table are of the day."""
    time = table.c["event_time" if "event_time" in table.c else "pane_start"]
    begin, end = day_span(DAY)
    return time >= begin, time < end
