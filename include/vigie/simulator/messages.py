"""Readings as the messages their sensors send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vigie.broker.messages import make_encoder
from vigie.contract.feed import Feed
from vigie.simulator.readings import Reading, sensor_name


@dataclass(frozen=True)
class Message:
    """One message; `fate` as in `Reading`."""

    reading: Reading
    key: bytes
    value: bytes
    fate: str


def encoded(feed: Feed, readings: Iterable[Reading]) -> Iterator[Message]:
    """The message of each reading, as its sensor means it; equal readings give equal bytes."""
    encode = make_encoder(feed)
    for reading in readings:
        name = sensor_name(feed, reading.sensor)
        value = encode(name, reading.told or reading.at, reading.values)
        yield Message(reading, name.encode(), value, reading.fate)
