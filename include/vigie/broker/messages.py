"""Readings as the JSON messages a contract describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from vigie.contract.feed import Feed

Encode = Callable[[str, datetime, Mapping[str, Any]], bytes]


def make_encoder(feed: Feed) -> Encode:
    """A function (sensor, event time, values) → message of `feed`.

    The values stand under the names of the contract's fields, and under `latitude`, `longitude`
    and `status`; a value that is missing, None or NaN is left out. The event time must carry a
    zone; it is written in UTC and cut to milliseconds.
    """
    sensor_path, time_path = feed.sensor.split("."), feed.event_time.split(".")
    parts = [(name, path.split("."), _WRITTEN[kind]) for name, path, kind in _parts(feed)]

    def encode(sensor: str, event_time: datetime, values: Mapping[str, Any]) -> bytes:
        message: dict[str, Any] = {}
        _put(message, sensor_path, sensor)
        _put(message, time_path, _iso(event_time))
        for name, path, written in parts:
            value = values.get(name)
            if value is not None and value == value:
                _put(message, path, written(value))
        return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)

    return encode


def _parts(feed: Feed) -> Iterator[tuple[str, str, str]]:
    for field in feed.fields.values():
        yield field.name, field.path, field.type
    if feed.position:
        yield "latitude", feed.position.latitude, "float"
        yield "longitude", feed.position.longitude, "float"
    if feed.status:
        yield "status", feed.status.field, "text"


def _integer(value: Any) -> Any:
    # A fraction is sent as it is, so that the stream can say what is wrong with it.
    return int(value) if value == int(value) else value


def _boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "integer": _integer,
    "boolean": _boolean,
    "text": str,
}


def _iso(event_time: datetime) -> str:
    if event_time.tzinfo is not UTC:
        event_time = event_time.astimezone(UTC)
    return event_time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _put(message: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        message = message.setdefault(part, {})
    message[path[-1]] = value
