"""The checks a reading must pass: a condition that Spark evaluates, and what to say of a failure.

Spark only numbers the first check that fails (`fault`); the driver turns the number into reason and
detail, for failed rows alone. Time rules compare with the record's append time, never with the
clock, so that recomputing gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Field
from vigie.streaming.explain import SENSOR_EXPECTED, explain
from vigie.streaming.parse import MESSAGE

RAW_KEPT = 64 * 1024
"""Bytes of a quarantined message kept in the warehouse; the lake has it whole."""
_CALENDAR = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
"""What any client can show; a time beyond it is `expired` or `future` and stays in `raw`."""
# One database ignores blanks at the end when it compares: two such names would be one there.
_SENSOR = r"^[^\p{Cc}\[{ ][^\p{Cc}]{0,199}(?<! )\z"
_LARGEST = 1e150
"""Squares of larger numbers, and so the panes, would overflow."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One check; a null condition counts as passed."""

    reason: str
    fails: Callable[[], Column]
    detail: Callable[[Row], str]


def check(parsed: DataFrame, feed: Feed) -> DataFrame:
    """Add `fault` (number of the first failed check, or null), `is_late`, and what a failure needs.

    `raw`, `raw_length` and `raw_sha256` are null for rows that passed.
    """
    first, *others = ((found.fails(), F.lit(number)) for number, found in enumerate(checks(feed)))
    fault = F.when(*first)
    for condition, number in others:
        fault = fault.when(condition, number)
    judged = parsed.withColumn("fault", fault)
    failed = F.col("fault").isNotNull()
    late = F.col("append_time") - F.col("event_time") > F.lit(feed.late_after)
    return judged.withColumns(
        {
            "is_late": F.coalesce(late, F.lit(False)),
            "event_time": F.when(F.col("event_time").between(*_CALENDAR), F.col("event_time")),
            "raw_length": F.when(failed, F.length("raw")),
            "raw_sha256": F.when(failed, F.sha2("raw", 256)),
            "raw": F.when(failed, F.substring("raw", 1, RAW_KEPT)),
        }
    ).drop("is_json", "event_time_text", MESSAGE)


def time_is_accepted(feed: Feed) -> Column:
    """Whether a parsed record is a reading whose time the feed takes; never null."""
    failed = (F.coalesce(found.fails(), F.lit(False)) for found in (*_shape(feed), *_time(feed)))
    return ~reduce(Column.__or__, failed)


def checks(feed: Feed) -> list[Check]:
    """The checks of a feed, in the order in which they are made."""
    return [
        *_shape(feed),
        *_time(feed),
        *(_position() if feed.position else ()),
        *(found for field in feed.fields.values() for found in _field(field)),
        *_status(feed),
        _empty(feed),
    ]


def _says(text: str) -> Callable[[Row], str]:
    return lambda _: text


def _shape(feed: Feed) -> Iterator[Check]:
    limit, sensor, time = feed.kafka.max_message, feed.sensor, feed.event_time
    yield Check(
        "oversize",
        lambda: F.length("raw") > limit,
        lambda row: f"{row['raw_length']} bytes, at most {limit} are taken",
    )
    yield Check("malformed", lambda: ~F.col("is_json"), lambda row: explain(row["raw"], feed))
    yield Check(
        "malformed",
        lambda: F.col("sensor").isNull(),
        _says(f"{sensor}: missing, expected the sensor's name"),
    )
    yield Check(
        "malformed",
        lambda: ~F.col("sensor").rlike(_SENSOR),
        _says(f"{sensor}: {SENSOR_EXPECTED}"),
    )
    yield Check(
        "malformed",
        lambda: F.col("event_time_text").isNull(),
        _says(f"{time}: missing, expected the time of measurement"),
    )
    yield Check(
        "malformed",
        lambda: F.col("event_time").isNull(),
        _says(f"{time}: expected ISO 8601 with an offset, or epoch milliseconds"),
    )


def _time(feed: Feed) -> Iterator[Check]:
    name, skew, kept = feed.event_time, feed.clock_skew, feed.retention.readings
    yield Check(
        "future",
        lambda: F.col("event_time") > F.col("append_time") + F.lit(skew),
        _says(f"{name}: more than {format_duration(skew)} after its arrival"),
    )
    yield Check(
        "expired",
        lambda: F.col("event_time") < F.lit(feed.oldest_time),
        _says(f"{name}: before {feed.oldest}, the oldest this feed takes"),
    )
    if kept:
        yield Check(
            "expired",
            lambda: F.col("event_time") < F.col("append_time") - F.lit(kept),
            _says(f"{name}: older than {format_duration(kept)}, the feed's retention"),
        )


def _position() -> Iterator[Check]:
    yield _within("position", "latitude", -90, 90)
    yield _within("position", "longitude", -180, 180)
    yield Check(
        "position",
        lambda: F.col("latitude").isNull() != F.col("longitude").isNull(),
        _says("only one of latitude and longitude is given"),
    )


def _field(field: Field) -> Iterator[Check]:
    name = field.name
    if field.required:
        text = f"{name}: missing, but required"
        yield Check("missing", lambda: F.col(name).isNull(), _says(text))
    if field.valid and field.type != "boolean":
        yield _within("out_of_range", name, *field.valid)
    elif field.type == "float":
        yield _within("out_of_range", name, -_LARGEST, _LARGEST)


def _within(reason: str, name: str, low: float, high: float) -> Check:
    return Check(
        reason,
        lambda: ~F.col(name).between(low, high),
        lambda row: f"{name}: {row[name]} is outside {low:g} … {high:g}",
    )


def _status(feed: Feed) -> Iterator[Check]:
    if feed.status:
        words = (*feed.status.ok, *feed.status.warning, *feed.status.fault)
        text = f"{feed.status.field}: not one of {', '.join(words)}"
        yield Check("unknown_status", lambda: ~F.col("status").isin(*words), _says(text))


def _empty(feed: Feed) -> Check:
    return Check(
        "empty",
        lambda: reduce(Column.__and__, (F.col(name).isNull() for name in feed.fields)),
        _says(f"no measurement: none of {', '.join(feed.fields)} has a value"),
    )
