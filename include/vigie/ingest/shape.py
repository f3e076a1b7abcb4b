"""The shape an item must have. What its values may be is the stream's to judge.

Nothing is refused that the stream would store; what passes here and fails there is in quarantine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vigie.contract.feed import Feed
from vigie.ingest.items import Item
from vigie.streaming.explain import SENSOR_EXPECTED, value_at, wrong_type

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_SENSOR = 200
_INTEGER = re.compile(r"\s*[+-]?\d{1,19}\s*")
_ISO = re.compile(
    r"\s*[+-]?\d{4,7}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{1,2}.*(Z|[+-]\d{1,2}(:?\d{2})?(:?\d{2})?)\s*"
)
_TIME = "ISO 8601 with an offset, or epoch milliseconds"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with an item: the JSON path, and what was found and expected there."""

    field: str
    reason: str
    kind: str = "malformed"


@dataclass(frozen=True)
class Message:
    """An item as it goes to Kafka."""

    key: bytes
    value: bytes


def make_check(feed: Feed) -> Callable[[Item], Message | Wrong]:
    """A function that makes a message of an item, or says what is wrong with it."""
    limit = feed.kafka.max_message

    def check(item: Item) -> Message | Wrong:
        value = item.text.encode()
        if len(value) > limit:
            return Wrong("", f"{len(value)} bytes, at most {limit} are taken", "oversize")
        if not isinstance(item.value, dict):
            return Wrong("", f"found {item.text[:60]}, expected one JSON object per reading")
        sensor = _text(value_at(item.value, feed.sensor))
        wrong = _sensor(sensor) or _time(value_at(item.value, feed.event_time))
        if wrong:
            path = feed.sensor if _sensor(sensor) else feed.event_time
            return Wrong(path, wrong)
        found = wrong_type(item.value, feed)
        if found:
            return Wrong(*found)
        return Message((sensor or "").encode("utf-8", "replace"), value)

    return check


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)


def _sensor(sensor: str | None) -> str:
    """What is wrong with a sensor's name; empty if nothing is."""
    if sensor is None:
        return "missing, expected the sensor's name"
    odd = sensor[:1] in ("{", "[", "") or sensor != sensor.strip(" ")
    if odd or len(sensor) > _LONGEST_SENSOR or _CONTROL.search(sensor):
        return SENSOR_EXPECTED
    return ""


def _time(value: Any) -> str:
    """What is wrong with an event time; empty if it can be one."""
    if value is None:
        return "missing, expected the time of measurement"
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and (_INTEGER.fullmatch(value) or _ISO.fullmatch(value)):
        return ""
    return f"found {json.dumps(value, default=str)[:60]}, expected {_TIME}"
