"""The faults that befall messages between a sensor and the broker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from vigie.broker.messages import make_encoder
from vigie.contract.feed import Feed
from vigie.simulator.faults import Faults
from vigie.simulator.messages import Message
from vigie.simulator.readings import sensor_name
from vigie.simulator.tally import Tally

_LATER = timedelta(minutes=1)
"""How much longer than a reading may take without being late an outage lasts."""


class RoughWay:
    """The way from sensor to broker with faults; the messages of a sensor stay in order."""

    def __init__(self, feed: Feed, faults: Faults, tally: Tally, *, every: timedelta) -> None:
        self._feed = feed
        self._faults = faults
        self._tally = tally
        self._encode = make_encoder(feed)
        self._outage = feed.late_after + _LATER
        self._held_back = max(round(self._outage / every), 1)

    def travelled(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Spoilt, repeated, contradicted and delayed."""
        return self._delayed(self._repeated(self._spoilt(messages)))

    def _spoilt(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            if self._faults.strikes("malformed", message.reading):
                self._tally.faults["malformed"] += 1
                message = replace(message, value=self._spoil(message), fate="malformed")
            yield message

    def _spoil(self, message: Message) -> bytes:
        """Well-formed JSON, so that an array of messages stays one, but no reading."""
        which = self._faults.chance("which", message.reading)
        if which < 0.3:
            return b"[]"
        found = orjson.loads(message.value)
        if which < 0.6:
            return orjson.dumps(found | {self._feed.event_time.split(".")[0]: "noon"})
        found.pop(self._feed.sensor.split(".")[0])
        return orjson.dumps(found)

    def _repeated(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            yield message
            if message.fate != "stored":
                continue
            if self._faults.strikes("copies", message.reading):
                self._tally.faults["copies"] += 1
                yield replace(message, fate="copies")
            if self._faults.strikes("conflicts", message.reading):
                self._tally.faults["conflicts"] += 1
                yield self._contradicted(message)

    def _contradicted(self, message: Message) -> Message:
        """The same sensor and moment, one value different and as valid."""
        reading = message.reading
        name, field = next(iter(self._feed.fields.items()))
        if field.type == "boolean":
            other: object = not reading.values[name]
        else:
            step = 1 if field.valid is None or reading.values[name] + 1 <= field.valid[1] else -1
            other = reading.values[name] + step
        value = self._encode(
            sensor_name(self._feed, reading.sensor), reading.at, reading.values | {name: other}
        )
        return replace(message, value=value, fate="conflicting_copy")

    def _delayed(self, messages: Iterable[Message]) -> Iterator[Message]:
        """A sensor's line is down; what it kept comes in one burst, late, when it is up again."""
        held: dict[int, list[Message]] = {}
        until: dict[int, datetime] = {}
        for message in messages:
            sensor, at = message.reading.sensor, message.reading.at
            if sensor in held and at >= until[sensor]:
                yield from held.pop(sensor)
            if sensor not in held and self._faults.strikes(
                "late", message.reading, length=self._held_back
            ):
                held[sensor] = []
                until[sensor] = at + self._outage
            if sensor in held:
                self._tally.faults["late"] += 1
                held[sensor].append(message)
            else:
                yield message
        for kept in held.values():
            yield from kept
