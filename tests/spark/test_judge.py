"""Parse, check and flag: what becomes of every kind of message, for every feed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.readings import APPENDED, encoded, message, place, plausible
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.assemble import judge
from vigie.streaming.flag import flag_column
from vigie.streaming.split import split

pytestmark = pytest.mark.spark

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
SCHEMA = "partition int, offset long, timestamp timestamp, value binary"


def records(spark: SparkSession, messages: list[bytes | None]) -> DataFrame:
    rows = [
        (0, i, APPENDED, None if value is None else bytearray(value))
        for i, value in enumerate(messages)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def judged(spark: SparkSession, feed: Feed, messages: list[bytes | None]) -> list[dict[str, Any]]:
    result = split(judge(records(spark, messages), feed).toArrow(), feed)
    rows = pa.concat_tables([result.accepted, result.quarantined], promote_options="default")
    return rows.sort_by("kafka_offset").to_pylist()


def first_number(feed: Feed) -> str:
    return next(f.path for f in feed.fields.values() if f.type == "float")


def raw(feed: Feed, path: str, json_text: str) -> bytes:
    """A valid message whose value at `path` is this JSON text."""
    return encoded(feed, **{path: "@@"}).replace(b'"@@"', json_text.encode())


@each_feed
def test_the_plan_parses_the_json_once(spark: SparkSession, feed: Feed) -> None:
    plan = judge(records(spark, [encoded(feed)]), feed)._jdf.queryExecution().executedPlan()

    assert plan.toString().count("from_json") == 1


@each_feed
def test_a_valid_message_passes_with_its_values(spark: SparkSession, feed: Feed) -> None:
    (row,) = judged(spark, feed, [encoded(feed)])

    assert row["reason"] is None
    assert row["raw"] is None
    assert row["sensor"] == "s-1"
    assert row["event_time"] == APPENDED - timedelta(minutes=1)
    for name, field in feed.fields.items():
        assert row[name] == plausible(field)


@each_feed
def test_bad_messages_are_named_and_none_fails_the_batch(spark: SparkSession, feed: Feed) -> None:
    path, name = first_number(feed), feed.sensor
    skew = feed.clock_skew + timedelta(seconds=1)
    early = feed.oldest_time - timedelta(milliseconds=1)
    cases: list[tuple[bytes | None, str | None]] = [
        (None, "malformed"),
        (b"", "malformed"),
        (b"hello", "malformed"),
        (b"\xff\xfe\x00", "malformed"),
        (raw(feed, name, '"s-?"').replace(b"?", b"\xff"), "malformed"),
        (raw(feed, "unknown", '"?"').replace(b"?", b"\xc3"), "malformed"),
        (b"[" + encoded(feed) + b"," + encoded(feed) + b"]", "malformed"),
        (encoded(feed)[:-5], "malformed"),
        (raw(feed, path, '"warm"'), "malformed"),
        (raw(feed, path, "NaN"), "malformed"),
        (raw(feed, path, '"Infinity"'), "malformed"),
        (raw(feed, path, "1e400"), "out_of_range"),
        (raw(feed, path, "-1e300"), "out_of_range"),
        (raw(feed, path, "9" * 2000), "malformed"),
        (raw(feed, "unknown", "[" * 2000 + "]" * 2000), "malformed"),
        (raw(feed, name, "null"), "malformed"),
        (raw(feed, name, '""'), "malformed"),
        (raw(feed, name, '{"a": 1}'), "malformed"),
        (raw(feed, name, '"a\\u0000b"'), "malformed"),
        (raw(feed, name, '"s-1\\n"'), "malformed"),
        (raw(feed, name, json.dumps("x" * 201)), "malformed"),
        (raw(feed, name, '"s-1 "'), "malformed"),
        (raw(feed, name, '" s-1"'), "malformed"),
        (raw(feed, feed.event_time, "null"), "malformed"),
        (raw(feed, feed.event_time, '"yesterday"'), "malformed"),
        (raw(feed, feed.event_time, '"2026-03-01T11:59:00"'), "malformed"),
        (raw(feed, feed.event_time, '"2026-13-01T11:59:00Z"'), "malformed"),
        (raw(feed, feed.event_time, '"200000-01-01T00:00:00Z"'), "future"),
        (raw(feed, feed.event_time, "999999999999999"), "future"),
        (raw(feed, feed.event_time, json.dumps((APPENDED + skew).isoformat())), "future"),
        (raw(feed, feed.event_time, json.dumps(early.isoformat())), "expired"),
        (raw(feed, feed.event_time, "-999999999999999"), "expired"),
        (raw(feed, feed.event_time, "1767355200000000000"), "future"),
        (raw(feed, feed.event_time, str(2**63 - 1)), "future"),
        (raw(feed, feed.event_time, str(-(2**63))), "expired"),
        (raw(feed, feed.event_time, "-9222000000000000"), "expired"),
        (raw(feed, feed.event_time, str(2**70)), "malformed"),
        (raw(feed, feed.event_time, '"+294247-01-10T04:00:54Z"'), "future"),
        (raw(feed, feed.event_time, '"12:30:00.000-05:00"'), "malformed"),
        (raw(feed, "unknown", json.dumps("x" * feed.kafka.max_message)), "oversize"),
        (empty(feed), "empty"),
        (raw(feed, "unknown", '"a\\u0000b"'), None),
        (encoded(feed)[:-1] + b', "unknown": 1}', None),
        (b" \n" + encoded(feed) + b"\n", None),
        (raw(feed, feed.event_time, str(int(APPENDED.timestamp() * 1000))), None),
        (raw(feed, feed.event_time, '"2026-03-01T19:59:00.123456+08:00"'), None),
        (raw(feed, name, "17"), None),
        (raw(feed, name, '"x"'), None),
        (raw(feed, name, json.dumps("x y" + "x" * 197)), None),
    ]

    rows = judged(spark, feed, [value for value, _ in cases])

    found = [
        (value[:80] if value else value, row["reason"])
        for (value, _), row in zip(cases, rows, strict=True)
    ]
    assert found == [(value[:80] if value else value, reason) for value, reason in cases]
    for row in rows:
        if row["reason"]:
            assert row["detail"]
            assert row["raw"] is None or len(row["raw"]) <= 64 * 1024


def empty(feed: Feed) -> bytes:
    bare: dict[str, Any] = {}
    place(bare, feed.sensor, "s-1")
    place(bare, feed.event_time, APPENDED.isoformat())
    return json.dumps(bare).encode()


@each_feed
def test_of_a_key_given_twice_the_last_value_counts(spark: SparkSession, feed: Feed) -> None:
    name, field = next((n, f) for n, f in feed.fields.items() if "." not in f.path)
    value = json.dumps(plausible(field, step=7))
    doubled = encoded(feed)[:-1] + f', "{field.path}": {value}}}'.encode()

    (row,) = judged(spark, feed, [doubled])

    assert (row["reason"], row[name]) == (None, plausible(field, step=7))


@each_feed
def test_values_beyond_the_valid_range_are_named_with_it(spark: SparkSession, feed: Feed) -> None:
    ranged = [f for f in feed.fields.values() if f.valid and f.type != "boolean"]
    messages = [
        encoded(feed, **{f.path: bound + sign})
        for f in ranged
        for bound, sign in zip(f.valid or (), (-1, 1), strict=True)
    ]

    for row, field in zip(
        judged(spark, feed, list(messages)), [f for f in ranged for _ in range(2)], strict=True
    ):
        assert row["reason"] == "out_of_range"
        assert row["detail"].startswith(f"{field.name}: ")
        assert row["raw_sha256"]


@pytest.mark.parametrize("feed", [f for f in FEEDS if f.position], ids=lambda feed: feed.name)
def test_impossible_positions_are_refused(spark: SparkSession, feed: Feed) -> None:
    assert feed.position
    lat, lon = feed.position.latitude, feed.position.longitude
    cases = [{lat: 91}, {lon: -181}, {lat: None}]

    rows = judged(spark, feed, [encoded(feed, **case) for case in cases])

    assert [row["reason"] for row in rows] == ["position"] * 3


@pytest.mark.parametrize("feed", [f for f in FEEDS if f.status], ids=lambda feed: feed.name)
def test_unknown_status_words_are_refused(spark: SparkSession, feed: Feed) -> None:
    assert feed.status
    path = feed.status.field

    rows = judged(spark, feed, [encoded(feed, **{path: word}) for word in ("NEW\0", None)])

    assert [row["reason"] for row in rows] == ["unknown_status", None]


@each_feed
def test_lateness_is_a_matter_of_the_record_alone(spark: SparkSession, feed: Feed) -> None:
    edge = APPENDED - feed.late_after
    times = [edge, edge - timedelta(milliseconds=1)]

    rows = judged(spark, feed, [json.dumps(message(feed, at=at)).encode() for at in times])

    assert [row["is_late"] for row in rows] == [False, True]


@each_feed
def test_alert_rules_flag_beyond_their_bound_only(spark: SparkSession, feed: Feed) -> None:
    for name, alert in feed.alerts.items():
        bound = alert.when.above if alert.when.above is not None else alert.when.below
        if bound is None:
            continue
        beyond = bound + (0.5 if alert.when.above is not None else -0.5)
        path = feed.fields[alert.when.field].path

        rows = judged(spark, feed, [encoded(feed, **{path: v}) for v in (bound, beyond, None)])

        assert [bool(row[flag_column(name)]) for row in rows] == [False, True, False]
