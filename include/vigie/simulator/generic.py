"""A model for any contract: a daily rhythm around the middle of each field's quiet range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed, Field
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import daily, within

_UNBOUNDED = (0.0, 100.0)


class GenericModel:
    """No alert, no fault, the same position for ever."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """Every field of the contract, with position and status where it has them."""
        noise, moment = self._noise, np.round(times * 1000).astype(np.int64)
        rhythm = daily(times, peak_hour=noise.between(13, 16, "peak", sensors))
        measured: dict[str, npt.NDArray[Any]] = {}
        for name, field in self._feed.fields.items():
            low, high = quiet_range(self._feed, field)
            level = noise.between(0.4, 0.6, f"level of {name}", sensors)
            share = level + 0.1 * rhythm + 0.01 * noise.normal(name, sensors, moment)
            measured[name] = low + share * (high - low)
        measured = within(self._feed, measured)
        for name, field in self._feed.fields.items():
            if field.type == "integer":
                measured[name] = np.round(measured[name]).astype(np.int64)
            elif field.type == "boolean":
                measured[name] = rhythm > 0
        if self._feed.position:
            measured["latitude"] = np.round(noise.between(48.80, 48.92, "latitude", sensors), 5)
            measured["longitude"] = np.round(noise.between(2.25, 2.42, "longitude", sensors), 5)
        if self._feed.status:
            measured["status"] = np.full(len(times), self._feed.status.ok[0])
        return measured


def quiet_range(feed: Feed, field: Field) -> tuple[float, float]:
    """The part of a field's valid range that raises no alert."""
    low, high = field.valid or _UNBOUNDED
    for alert in feed.alerts.values():
        if alert.when.field == field.name:
            high = high if alert.when.above is None else min(high, alert.when.above)
            low = low if alert.when.below is None else max(low, alert.when.below)
    return low, high
