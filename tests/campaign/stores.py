"""Reads what the platform kept of a feed: topic, warehouse, documents, lake."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from pymongo import MongoClient

from tests.campaign.expected import Reading, Record, value_names
from tests.campaign.judge import Kept, PaneRow
from tests.local_stack import LocalStack
from vigie.broker.offsets import read_topic
from vigie.contract.feed import Feed
from vigie.lake.place import open_table
from vigie.settings import get_settings
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY

_AROUND = timedelta(days=3)
_SILENCE = 60.0
_SUMS = ("stored", "copies", "conflicts", "quarantined")


def read_records(feed: Feed) -> list[Record]:
    """Every record of the feed's topic, from its begin to its end of now."""
    ends = {p: end for p, (_, end) in read_topic(feed.topic).partitions.items() if end}
    options = {"bootstrap.servers": get_settings().kafka, "group.id": "campaign"}
    consumer = Consumer(options | {"enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(feed.topic, part, 0) for part in ends])
        found, heard = [], time.monotonic()
        while ends:
            for message in consumer.consume(1000, timeout=1.0):
                assert message.error() is None, message.error()
                place, heard = (message.partition(), message.offset()), time.monotonic()
                at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=message.timestamp()[1])
                found.append(Record(*place, message.value() or b"", at))
                if place[1] + 1 >= ends.get(place[0], 0):
                    ends.pop(place[0], None)
            assert time.monotonic() - heard < _SILENCE, f"{feed.topic}: no message, though some are"
    finally:
        consumer.close()
    return found


def read_kept(feed: Feed, stack: LocalStack) -> Kept:
    """What warehouse, documents and lake hold of the feed."""
    ours = f"WHERE feed = '{feed.name}'"
    rows = [_reading(row) for row in stack.query(_rows(feed))]
    places = "SELECT kafka_partition, kafka_offset, reason FROM ops.quarantine"
    ranges = "SELECT kafka_partition, begin_offset, end_offset FROM ops.ledger"
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in ("messages_read", *_SUMS))
    (counted,) = stack.query(f"SELECT {sums} FROM ops.ledger {ours}")
    flagged = (
        "SELECT u.rule, s.sensor, a.event_time FROM fact.alert a "
        "JOIN dim.rule u ON u.rule_id = a.rule_id JOIN dim.sensor s ON s.sensor_id = a.sensor_id "
        f"WHERE u.feed = '{feed.name}'"
    )
    kept = Kept(
        rows=rows,
        quarantine=[((p, offset), why) for p, offset, why in stack.query(f"{places} {ours}")],
        panes=_panes(feed, stack),
        windows=_windows(feed, stack, rows),
        alerts=[(rule, sensor, _utc(at)) for rule, sensor, at in stack.query(flagged)],
        ledger=[(p, begin, end) for p, begin, end in stack.query(f"{ranges} {ours}")],
        counts=Counter(dict(zip(("read", *_SUMS), counted, strict=True))),
        lake=_lake(feed),
    )
    if "documents" in feed.sinks:
        kept.documents, kept.latest = _documents(feed, stack)
    return kept


def _rows(feed: Feed) -> str:
    columns = ", ".join(value_names(feed))
    places = "kafka_partition, kafka_offset"
    return (
        f"SELECT sensor, event_time, is_late, {places}, {columns} FROM report.{feed.name}_reading"
    )


def _reading(row: tuple[Any, ...]) -> Reading:
    sensor, at, late, partition, offset, *values = row
    return Reading(sensor, _utc(at), tuple(values), late, (partition, offset))


def _panes(feed: Feed, stack: LocalStack) -> dict[tuple[str, datetime], PaneRow]:
    summaries = ", ".join(f"p.{name}_{part}" for name in feed.fields for part in PANE_SUMMARY)
    found: dict[tuple[str, datetime], PaneRow] = {}
    for sensor, start, *values in stack.query(
        f"SELECT s.sensor, p.pane_start, {', '.join(PANE_COUNTS)}, {summaries} "
        f"FROM fact.{feed.name}_pane p JOIN dim.sensor s ON s.sensor_id = p.sensor_id"
    ):
        counts, values = values[: len(PANE_COUNTS)], values[len(PANE_COUNTS) :]
        each = len(PANE_SUMMARY)
        fields = {n: tuple(values[i * each : (i + 1) * each]) for i, n in enumerate(feed.fields)}
        found[sensor, _utc(start)] = (*counts, fields)
    return found


def _windows(feed: Feed, stack: LocalStack, rows: list[Reading]) -> list[Any]:
    if not rows:
        return []
    times = [row.event_time for row in rows]
    begin, end = (f"'{at.isoformat()}'" for at in (min(times) - _AROUND, max(times) + _AROUND))
    return [
        (sensor, length, _utc(start), _utc(stop), readings)
        for sensor, length, start, stop, readings in stack.query(
            "SELECT sensor, window_length, window_start, window_end, readings "
            f"FROM report.{feed.name}_windows({begin}, {end})"
        )
    ]


def _documents(feed: Feed, stack: LocalStack) -> tuple[list[Reading], dict[str, datetime]]:
    address = f"mongodb://{stack.stack.address('documents')}/vigie"
    with MongoClient[dict[str, Any]](address, tz_aware=True) as client:
        database = client.get_default_database()
        readings = [_of_document(feed, one) for one in database[f"{feed.name}_reading"].find()]
        latest = database[f"{feed.name}_latest"].find()
        return readings, {one["sensor"]: one["event_time"] for one in latest}


def _of_document(feed: Feed, document: dict[str, Any]) -> Reading:
    values = [document["values"].get(name) for name in feed.fields]
    if feed.position:
        longitude, latitude = document.get("position", {}).get("coordinates", (None, None))
        values += [latitude, longitude]
    if feed.status:
        values.append(document["status"])
    place = (document["kafka_partition"], document["kafka_offset"])
    at = document["event_time"]
    return Reading(document["sensor"], at, tuple(values), document["is_late"], place)


def _lake(feed: Feed) -> list[Record] | None:
    table = open_table(feed.name)
    if table is None:
        return []
    columns = ["kafka_partition", "kafka_offset", "raw", "append_time"]
    rows = table.to_pyarrow_table(columns=columns).to_pydict()
    return [
        Record(part, offset, raw or b"", at.astimezone(UTC))
        for part, offset, raw, at in zip(*(rows[name] for name in columns), strict=True)
    ]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
