"""Signals that models are made of, and a model for any contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import pi, sin
from typing import Any
from zlib import crc32

import numpy as np

from vigie.contract.feed import Feed, Field

_DAY = 86_400.0
_UNBOUNDED = (0.0, 100.0)


def generator(feed: Feed, *part: int) -> np.random.Generator:
    """Random numbers for one part of a feed's simulation, the same for the same numbers."""
    return np.random.default_rng([crc32(feed.name.encode()), *part])


def daily(at: datetime, *, peak_hour: float) -> float:
    """A smooth rhythm between -1 and 1, highest at `peak_hour` (UTC)."""
    return sin(2 * pi * (at.timestamp() / _DAY - (peak_hour - 6) / 24))


def drift(at: datetime, *, days: float, phase: float) -> float:
    """A slow wander between -1 and 1 over some `days`; `phase` (0 to 1) makes it another one."""
    turns = at.timestamp() / _DAY / days
    return 0.6 * sin(2 * pi * (turns + phase)) + 0.4 * sin(2 * pi * (turns * 0.382 + phase * 7))


def within(feed: Feed, values: Mapping[str, float]) -> dict[str, float]:
    """The values of the feed's fields, each brought into its valid range."""
    return {
        name: round(min(max(values[name], low), high), 4)
        for name, field in feed.fields.items()
        if name in values
        for low, high in [field.valid or (-np.inf, np.inf)]
    }


class GenericModel:
    """A daily rhythm and some noise around the middle of each field's range without alerts."""

    def __init__(self, feed: Feed, *, seed: int, sensor: int) -> None:
        self._feed = feed
        self._random = generator(feed, seed, sensor)
        self._peak_hour = self._random.uniform(13, 16)
        self._ranges = {name: quiet_range(feed, field) for name, field in feed.fields.items()}
        self._levels = {name: self._random.uniform(0.4, 0.6) for name in feed.fields}
        self._fixed: dict[str, Any] = {}
        if feed.position:
            self._fixed["latitude"] = round(self._random.uniform(48.80, 48.92), 5)
            self._fixed["longitude"] = round(self._random.uniform(2.25, 2.42), 5)
        if feed.status:
            self._fixed["status"] = feed.status.ok[0]

    def values(self, at: datetime) -> Mapping[str, Any]:
        """Every field of the contract, with position and status where it has them."""
        rhythm = daily(at, peak_hour=self._peak_hour)
        measured: dict[str, Any] = {}
        for name, (low, high) in self._ranges.items():
            share = self._levels[name] + 0.1 * rhythm + 0.01 * self._random.normal()
            measured[name] = low + share * (high - low)
        measured = within(self._feed, measured)
        for name, field in self._feed.fields.items():
            if field.type == "integer":
                measured[name] = round(measured[name])
            elif field.type == "boolean":
                measured[name] = rhythm > 0
        return measured | self._fixed


def quiet_range(feed: Feed, field: Field) -> tuple[float, float]:
    """The part of a field's valid range that raises no alert."""
    low, high = field.valid or _UNBOUNDED
    for alert in feed.alerts.values():
        if alert.when.field == field.name:
            high = high if alert.when.above is None else min(high, alert.when.above)
            low = low if alert.when.below is None else max(low, alert.when.below)
    return low, high
