"""Random records judged by Spark in bulk, and streams made of them through the real store."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select

from tests.readings import message, place
from tests.warehouse.test_store import new_store
from vigie.contract.feed import Feed
from vigie.restatement.cut import Cut, read_cut
from vigie.restatement.record import Restated, Why
from vigie.restatement.restate import restate_judged
from vigie.streaming.assemble import judge
from vigie.streaming.commit import Batch
from vigie.streaming.score import Scorer
from vigie.streaming.split import split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.ledger import OffsetRange

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TOPIC = "topic"
SCHEMA = "partition int, offset long, timestamp timestamp, value binary"
BAD = (b"", b"{", b"\xff\xfe", b"[]", b'{"a": 1}')
WHY = Why("tests", "because")


def out_of_range(feed: Feed) -> tuple[str, float]:
    """A field, and a value beyond its range that a wider one takes."""
    field = next(f for f in feed.fields.values() if f.valid and f.type == "float")
    assert field.valid is not None
    return field.name, field.valid[1] + 10


def widened(feed: Feed) -> Feed:
    """The contract with a wider range for that field."""
    name, value = out_of_range(feed)
    field = feed.fields[name]
    assert field.valid is not None
    return replace(
        feed, fields=feed.fields | {name: replace(field, valid=(field.valid[0], value + 1))}
    )


def messages(feed: Feed, rng: np.random.Generator, count: int) -> list[tuple[datetime, bytes]]:
    """Append times and messages: late, copied, conflicting, malformed, future, out of range."""
    made = []
    field, beyond = out_of_range(feed)
    for number in range(count):
        appended = NOON + timedelta(seconds=number)
        if rng.random() < 0.08:
            made.append((appended, BAD[rng.integers(len(BAD))]))
            continue
        moment = NOON + timedelta(minutes=10 * int(rng.integers(-200, 60)))
        if rng.random() < 0.03:
            moment = appended + timedelta(hours=30)
        one = message(feed, sensor=f"s-{rng.integers(5)}", at=moment, step=int(rng.integers(2)))
        if rng.random() < 0.1:
            place(one, feed.fields[field].path, beyond)
        elif rng.random() < 0.2:
            alert = next(iter(feed.alerts.values()), None)
            if alert is not None and alert.when.above is not None:
                place(one, feed.fields[alert.when.field].path, alert.when.above + 1)
        made.append((appended, json.dumps(one).encode()))
    return made


def judged(spark: SparkSession, feed: Feed, made: list[tuple[datetime, bytes]]) -> pa.Table:
    rows = [(0, n, at, bytearray(value)) for n, (at, value) in enumerate(made)]
    found = judge(spark.createDataFrame(rows, SCHEMA), feed).toArrow().sort_by("kafka_offset")
    return found.append_column("topic_id", pa.repeat(pa.scalar(TOPIC), found.num_rows))


@dataclass
class Stream:
    """A feed's stream in a warehouse of its own: `records` in the order of their offsets."""

    engine: Engine
    feed: Feed
    records: pa.Table
    store: Store

    def restate(self, records: pa.Table | None = None, **changes: Any) -> Restated:
        feed = changes.pop("feed", self.feed)
        cut: Cut = changes.pop("cut", None) or read_cut(self.engine, feed)
        rows = self.records if records is None else records
        return restate_judged(self.engine, feed, DAY, rows, cut, changes.pop("why", WHY))

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Readings, alerts and panes, without batch numbers."""
        tables = feed_tables(self.feed)
        with self.engine.connect() as connection:
            return {
                table.name: [
                    {k: v for k, v in row.items() if k != "batch_no"}
                    for row in connection.execute(
                        select(table).order_by(*table.primary_key.columns)
                    ).mappings()
                ]
                for table in (tables.reading, core.alert, tables.pane)
            }

    def quarantine(self) -> list[Any]:
        t = core.quarantine.c
        query = select(t.kafka_partition, t.kafka_offset, t.reason, t.detail, t.released_at)
        with self.engine.connect() as connection:
            return list(connection.execute(query.order_by(t.kafka_partition, t.kafka_offset)))


def arrange(table: pa.Table, rng: np.random.Generator, partitions: int, *, loose: bool) -> pa.Table:
    """A random choice of records, copies among them, with coordinates by order of arrival.

    Not `loose`, a sensor has one partition, as a key gives it one.
    """
    chosen = np.sort(rng.choice(table.num_rows, size=table.num_rows // 2))
    rows = table.take(chosen)
    names = rows["sensor"].to_pylist()
    parts = (
        rng.integers(partitions, size=len(names))
        if loose
        else np.array([sum(map(ord, name or "")) % partitions for name in names])
    )
    offsets = np.zeros(len(names), np.int64)
    for part in range(partitions):
        offsets[parts == part] = np.arange(np.count_nonzero(parts == part))
    rows = _put(rows, "kafka_partition", pa.array(parts, pa.int32()))
    return _put(rows, "kafka_offset", pa.array(offsets))


def run_stream(
    engine: Engine,
    feed: Feed,
    rows: pa.Table,
    rng: np.random.Generator,
    *,
    scorer: Scorer | None = None,
    most: int = 60,
) -> Stream:
    """Cut the records into random batches and store them as a driver does."""
    stream = Stream(engine, feed, rows, new_store(engine, feed, scorer=scorer))
    store_batches(stream, rows, rng, {}, most=most)
    return stream


def store_batches(
    stream: Stream,
    rows: pa.Table,
    rng: np.random.Generator,
    begins: dict[int, int],
    *,
    topic_id: str = TOPIC,
    most: int = 60,
) -> None:
    parts, offsets = rows["kafka_partition"].to_numpy(), rows["kafka_offset"].to_numpy()
    ends = {int(p): int(offsets[parts == p].max()) + 1 for p in np.unique(parts)}
    begins = {p: begins.get(p, 0) for p in ends}
    while any(begins[p] < ends[p] for p in ends):
        upto = {p: min(ends[p], begins[p] + int(rng.integers(0, most))) for p in ends}
        ranges = [OffsetRange(topic_id, p, begins[p], upto[p]) for p in ends if upto[p] > begins[p]]
        if not ranges:
            continue
        mine = np.zeros(len(parts), dtype=bool)
        for r in ranges:
            mine |= (parts == r.partition) & (offsets >= r.begin) & (offsets < r.end)
        table = rows.filter(pa.array(mine)).drop_columns(["topic_id"])
        read = {r.partition: r.end - r.begin for r in ranges}
        stream.store.store(Batch(ranges, read, split(table, stream.feed)))
        begins = upto


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
