"""The checks a reading must pass, as columns: `reason` is null or the first check that failed.

Time rules compare with the record's append time, never with the clock, so that recomputing gives
the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Field
from vigie.streaming.explain import UNREAD

Check = tuple[str, Column, Column]
"""Reason, condition that fails the reading (null counts as no), detail for a person."""

RAW_KEPT = 64 * 1024
"""Bytes of a quarantined message kept in the warehouse; the lake has it whole."""
_CALENDAR = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
"""What any client can show; a time beyond it is `expired` or `future` and stays in `raw`."""
_SENSOR = r"^[^\p{Cc}\[{][^\p{Cc}]{0,199}$"


def check(parsed: DataFrame, feed: Feed) -> DataFrame:
    """Add `reason`, `detail`, `is_late`, and the raw bytes of failed records only."""
    checks = list(_checks(feed))
    reason = F.coalesce(*(F.when(bad, F.lit(name)) for name, bad, _ in checks))
    detail = F.coalesce(*(F.when(bad, text) for _, bad, text in checks))
    judged = parsed.withColumns({"reason": reason, "detail": detail})
    failed = F.col("reason").isNotNull()
    late = F.col("append_time") - F.col("event_time") > F.lit(feed.late_after)
    return judged.withColumns(
        {
            "is_late": F.coalesce(late, F.lit(False)),
            "event_time": F.when(F.col("event_time").between(*_CALENDAR), F.col("event_time")),
            "sensor": F.when(F.col("sensor").rlike(_SENSOR), F.col("sensor")),
            "raw_length": F.when(failed, F.length("raw")),
            "raw_sha256": F.when(failed, F.sha2("raw", 256)),
            "raw": F.when(failed, F.substring("raw", 1, RAW_KEPT)),
        }
    ).drop("is_json", "event_time_text")


def _checks(feed: Feed) -> Iterator[Check]:
    yield from _shape(feed)
    yield from _time(feed)
    if feed.position:
        yield from _position()
    for field in feed.fields.values():
        yield from _field(field)
    if feed.status:
        words = (*feed.status.ok, *feed.status.warning, *feed.status.fault)
        known = F.col("status").isin(*words)
        yield (
            "unknown_status",
            F.col("status").isNotNull() & ~known,
            F.lit(f"{feed.status.field}: not one of {', '.join(words)}"),
        )
    empty = reduce(Column.__and__, (F.col(name).isNull() for name in feed.fields))
    yield "empty", empty, F.lit(f"no measurement: none of {', '.join(feed.fields)} has a value")


def _shape(feed: Feed) -> Iterator[Check]:
    limit = feed.kafka.max_message
    oversize = F.length("raw") > limit
    size = F.format_string(f"%d bytes, at most {limit} are taken", F.length("raw"))
    yield "oversize", oversize, size
    yield "malformed", ~F.col("is_json"), F.lit(UNREAD)
    sensor, time = F.col("sensor"), F.col("event_time")
    yield "malformed", sensor.isNull(), F.lit(f"{feed.sensor}: missing, expected the sensor's name")
    yield (
        "malformed",
        ~sensor.rlike(_SENSOR),
        F.lit(f"{feed.sensor}: expected 1 to 200 characters of text without control characters"),
    )
    yield (
        "malformed",
        F.col("event_time_text").isNull(),
        F.lit(f"{feed.event_time}: missing, expected the time of measurement"),
    )
    yield (
        "malformed",
        time.isNull(),
        F.lit(f"{feed.event_time}: expected ISO 8601 with an offset, or epoch milliseconds"),
    )


def _time(feed: Feed) -> Iterator[Check]:
    time, append = F.col("event_time"), F.col("append_time")
    yield (
        "future",
        time > append + F.lit(feed.clock_skew),
        F.lit(f"{feed.event_time}: more than {format_duration(feed.clock_skew)} after its arrival"),
    )
    yield (
        "expired",
        time < F.lit(feed.oldest_time),
        F.lit(f"{feed.event_time}: before {feed.oldest}, the oldest this feed takes"),
    )
    if feed.retention.readings:
        kept: timedelta = feed.retention.readings
        yield (
            "expired",
            time < append - F.lit(kept),
            F.lit(f"{feed.event_time}: older than {format_duration(kept)}, the feed's retention"),
        )


def _position() -> Iterator[Check]:
    for axis, bound in (("latitude", 90), ("longitude", 180)):
        value = F.col(axis)
        bad = ~value.between(-bound, bound) | F.isnan(value)
        yield "position", bad, F.format_string(f"{axis}: %s is beyond ±{bound}", value)
    half = F.col("latitude").isNull() != F.col("longitude").isNull()
    yield "position", half, F.lit("only one of latitude and longitude is given")


def _field(field: Field) -> Iterator[Check]:
    value = F.col(field.name)
    if field.required:
        yield "missing", value.isNull(), F.lit(f"{field.name}: missing, but required")
    if field.type == "float":
        # 1e400 is valid JSON and reads as infinity.
        bad = ~value.between(-1.7976931348623157e308, 1.7976931348623157e308)
        yield "out_of_range", bad, F.lit(f"{field.name}: not a finite number")
    if field.valid and field.type != "boolean":
        low, high = field.valid
        outside = ~value.between(low, high)
        text = F.format_string(f"{field.name}: %s is outside {low:g} … {high:g}", value)
        yield "out_of_range", outside, text
