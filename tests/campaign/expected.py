"""What the records of a topic must have become, worked out anew from nothing but the contract."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from vigie.contract.feed import Condition, Feed

Coordinates = tuple[int, int]
"""Kafka partition and offset."""
Identity = tuple[str, datetime]
"""Sensor and event time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """One record of the topic, as the broker keeps it."""

    partition: int
    offset: int
    value: bytes
    append_time: datetime

    @property
    def coordinates(self) -> Coordinates:
        """Where it is."""
        return self.partition, self.offset


@dataclass(frozen=True)
class Reading:
    """A reading by its words: fields, then position and status where the contract has them."""

    sensor: str
    event_time: datetime
    values: tuple[Any, ...]
    is_late: bool
    coordinates: Coordinates

    @property
    def identity(self) -> Identity:
        """What makes two messages one reading."""
        return self.sensor, self.event_time


@dataclass
class Pane:
    """The summary of one sensor's readings over a pane, and the same per field."""

    readings: int = 0
    alerts: int = 0
    warnings: int = 0
    faults: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def value_names(feed: Feed) -> list[str]:
    """The columns of a report view whose values make two messages copies, in order."""
    position = ["latitude", "longitude"] if feed.position else []
    return [*feed.fields, *position, *(["status"] if feed.status else [])]


def read(feed: Feed, record: Record) -> Reading:
    """The reading that a good message holds."""
    told = json.loads(record.value)
    moment = datetime.fromisoformat(_at(told, feed.event_time))
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000).astimezone(UTC)
    paths = [one.path for one in feed.fields.values()]
    if feed.position:
        paths += [feed.position.latitude, feed.position.longitude]
    if feed.status:
        paths.append(feed.status.field)
    late = record.append_time - moment > feed.late_after
    values = tuple(_at(told, path) for path in paths)
    return Reading(str(_at(told, feed.sensor)), moment, values, late, record.coordinates)


def candidates(feed: Feed, records: Iterable[Record]) -> dict[Identity, list[Reading]]:
    """The good records by identity, of each partition in order of offset."""
    found: dict[Identity, list[Reading]] = defaultdict(list)
    for record in sorted(records, key=lambda one: one.coordinates):
        reading = read(feed, record)
        found[reading.identity].append(reading)
    return found


def alerts(feed: Feed, reading: Reading) -> list[str]:
    """The rules that flag a reading."""
    values = dict(zip(value_names(feed), reading.values, strict=True))
    return [name for name, rule in feed.alerts.items() if _holds(rule.when, values)]


def panes(feed: Feed, readings: Iterable[Reading]) -> dict[Identity, Pane]:
    """The panes of these readings, by sensor and start."""
    found: dict[Identity, Pane] = defaultdict(Pane)
    for reading in readings:
        pane = found[reading.sensor, start_of(reading.event_time, feed.windows.pane)]
        values = dict(zip(value_names(feed), reading.values, strict=True))
        pane.readings += 1
        pane.alerts += bool(alerts(feed, reading))
        if feed.status:
            pane.warnings += values["status"] in feed.status.warning
            pane.faults += values["status"] in feed.status.fault
        for name in feed.fields:
            if values[name] is not None:
                pane.values[name].append(float(values[name]))
    return found


def start_of(moment: datetime, length: timedelta) -> datetime:
    """The start of the interval of this length that a moment lies in."""
    return moment - (moment - _EPOCH) % length


def _at(told: Any, path: str) -> Any:
    for part in path.split("."):
        told = told.get(part) if isinstance(told, Mapping) else None
    return told


def _holds(when: Condition, values: Mapping[str, Any]) -> bool:
    value = values[when.field]
    if value is None:
        return False
    if when.above is not None:
        return bool(value > when.above)
    if when.below is not None:
        return bool(value < when.below)
    return bool(value == when.equals)
