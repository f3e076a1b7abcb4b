"""Simulated readings, and the messages they are sent as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np

from vigie.contract.feed import Feed
from vigie.simulator.model import make_model
from vigie.simulator.moments import Moment

AT_ONCE = 10_000
"""Moments of a history whose values are computed together."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    """The values of one sensor at one moment, by the names the encoder of messages knows.

    `told` is the moment by the sensor's own clock, where that is another. `fate` is what the stream
    has to make of it: `stored`, `copies`, or the reason of a quarantine.
    """

    sensor: int
    at: datetime
    values: dict[str, Any]
    told: datetime | None = None
    fate: str = "stored"


def readings(
    feed: Feed, moments: Iterable[Moment], *, seed: int, at_once: int = AT_ONCE
) -> Iterator[Reading]:
    """A reading for each moment; `at_once` of them are computed together."""
    model = make_model(feed, seed=seed)
    pending = iter(moments)
    while chunk := list(islice(pending, at_once)):
        sensors = np.array([sensor for sensor, _ in chunk], dtype=np.int64)
        millis = [(at - _EPOCH) // timedelta(milliseconds=1) for _, at in chunk]
        found = model.values(sensors, np.array(millis, dtype=np.float64) / 1000)
        columns = [np.broadcast_to(column, len(chunk)).tolist() for column in found.values()]
        for (sensor, at), *values in zip(chunk, *columns, strict=True):
            yield Reading(sensor, at, dict(zip(found, values, strict=True)))


def sensor_name(feed: Feed, sensor: int) -> str:
    """What a sensor is called in its messages."""
    return f"{feed.name}-{sensor + 1:02d}"
