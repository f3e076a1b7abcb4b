"""Messages and Arrow batches for tests, made from any feed's contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from vigie.contract.feed import Feed, Field
from vigie.streaming.flag import flag_column
from vigie.streaming.split import Split

APPENDED = datetime(2026, 3, 1, 12, tzinfo=UTC)
_TIME = pa.timestamp("us", tz="UTC")
_ARROW = {"float": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}


def plausible(field: Field, step: int = 0) -> Any:
    """A valid value of a field that differs from step to step."""
    if field.type == "boolean":
        return step % 2 == 0
    low, high = field.valid or (0.0, 100.0)
    value = low + (high - low) * (0.05 + 0.001 * (step % 50))
    return round(value) if field.type == "integer" else value


def place(message: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a dotted path says."""
    *parents, leaf = path.split(".")
    for parent in parents:
        message = message.setdefault(parent, {})
    message[leaf] = value


def message(feed: Feed, *, sensor: str = "s-1", at: datetime | None = None, step: int = 0) -> dict:
    """A message every check accepts."""
    result: dict[str, Any] = {}
    place(result, feed.sensor, sensor)
    place(result, feed.event_time, (at or APPENDED - timedelta(minutes=1)).isoformat())
    for field in feed.fields.values():
        place(result, field.path, plausible(field, step))
    if feed.position:
        place(result, feed.position.latitude, 48.5)
        place(result, feed.position.longitude, 2.5)
    if feed.status:
        place(result, feed.status.field, feed.status.ok[0])
    return result


def encoded(feed: Feed, **changes: Any) -> bytes:
    """A valid message with some fields changed or added, as bytes."""
    result = message(feed)
    for path, value in changes.items():
        place(result, path, value)
    return json.dumps(result).encode()


def accepted(
    feed: Feed, readings: list[tuple[str, datetime, int]], *, first_offset: int = 0
) -> Split:
    """A split batch of accepted readings: (sensor, event time, step of the values) each."""
    rows = len(readings)
    columns: dict[str, Any] = {
        "kafka_partition": pa.array([0] * rows, pa.int32()),
        "kafka_offset": pa.array(range(first_offset, first_offset + rows), pa.int64()),
        "append_time": pa.array([APPENDED] * rows, _TIME),
        "sensor": pa.array([sensor for sensor, _, _ in readings], pa.string()),
        "event_time": pa.array([at for _, at, _ in readings], _TIME),
    }
    for name, field in feed.fields.items():
        values = [plausible(field, step) for _, _, step in readings]
        columns[name] = pa.array(values, _ARROW[field.type])
    if feed.position:
        columns["latitude"] = columns["longitude"] = pa.array([1.5] * rows, pa.float64())
    if feed.status:
        columns["status"] = pa.array([feed.status.ok[0]] * rows, pa.string())
    columns["is_late"] = pa.array([False] * rows)
    for rule in feed.alerts:
        columns[flag_column(rule)] = pa.array([False] * rows)
    names = ("kafka_partition", "kafka_offset", "append_time", "sensor", "event_time")
    quarantined = pa.table({name: columns[name].slice(0, 0) for name in names}).append_column(
        "reason", pa.array([], pa.string())
    )
    return Split(accepted=pa.table(columns), quarantined=quarantined)
