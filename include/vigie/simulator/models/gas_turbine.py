"""Gas turbines at one site: weather and load drive everything else.

The coefficients are least-squares fits to hourly means of a real turbine, around its mean state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.model import Habits
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import DAY, daily, drift, is_weekend, within, yearly

HABITS = Habits(
    sensors=3,
    every=timedelta(seconds=5),
    step=timedelta(hours=1),
    # Long enough to train a model of NOx on, and to see its level drift.
    history=timedelta(weeks=26),
)
_MEAN_ENERGY = 134.0
_MEAN_TEMPERATURE = 17.7
_MEAN_HUMIDITY = 78.0
_WASH = 55 * DAY
"""Time between two washes of the compressor."""


@dataclass(frozen=True)
class Air:
    """Ambient temperature (°C), pressure (mbar) and humidity (%)."""

    temperature: Numbers
    pressure: Numbers
    humidity: Numbers


def ambient(noise: Noise, times: Numbers) -> Air:
    """The weather of the site, which all its turbines share."""
    season, day = yearly(times), daily(times, peak_hour=14)
    spell = np.clip(noise.wander("spell", times, 2.5 * DAY), -2.5, 2.5)
    gusts = noise.wander("gusts", times, 3 * 3600)
    damp = np.clip(noise.wander("damp", times, 1.5 * DAY), -2.5, 2.5)
    temperature = _MEAN_TEMPERATURE + 7 * season + 3.5 * day + 2 * spell + 0.5 * gusts
    return Air(
        temperature=temperature,
        pressure=1012.5 - 0.42 * (temperature - _MEAN_TEMPERATURE) + 3 * spell,
        humidity=_MEAN_HUMIDITY - 4 * season - 9 * day - 3 * spell + 4 * damp,
    )


def load(noise: Noise, sensors: Ints, times: Numbers) -> Numbers:
    """The share of a turbine's range asked for: high by day, with an evening peak, low at night.

    Weekends ask for less; the grid asks all turbines, the operator each in its own way.
    """
    demand = 0.42 + 0.22 * daily(times, peak_hour=15) + 0.1 * daily(times, peak_hour=20)
    grid = 0.06 * np.clip(noise.wander("grid", times, 6 * 3600), -2.5, 2.5)
    own = 0.08 * np.clip(noise.wander("own", times, 9 * 3600, sensors), -2.5, 2.5)
    return np.clip(demand + grid + own - 0.12 * is_weekend(times), 0, 1)


class Model:
    """NOx follows load and weather; its level and the filter wander over months."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """All eleven measurements."""
        noise, moment = self._noise, np.round(times * 1000).astype(np.int64)

        def spread(name: str, size: float) -> Numbers:
            return size * np.clip(noise.normal(name, sensors, moment), -4, 4)

        air = ambient(noise, times)
        warmth = air.temperature - _MEAN_TEMPERATURE
        damp = air.humidity - _MEAN_HUMIDITY
        phase = noise.uniform("phase", sensors)
        dirt = (times / _WASH + phase) % 1
        strength = 2 * np.clip(noise.normal("strength", sensors), -2, 2)
        share = load(noise, sensors, times)
        energy = 105 + 65 * share - 0.3 * warmth - 1.5 * dirt + strength + spread("tey", 0.5)
        power = energy - _MEAN_ENERGY
        # At part load less air meets the same pilot flame: NOx rises again.
        flame = 14 * np.maximum(0.35 - share, 0) + 12 * np.maximum(share - 0.75, 0)
        level = 9 * drift(times, days=210, phase=phase)
        measured = {
            "at": air.temperature + spread("at", 0.1),
            "ap": air.pressure + spread("ap", 0.1),
            "ah": air.humidity + spread("ah", 0.5),
            "afdp": 3.8 + 0.0345 * power + 0.0244 * warmth + 0.7 * dirt + spread("afdp", 0.03),
            "gtep": 25.4 + 0.266 * power + 0.085 * warmth + spread("gtep", 0.1),
            "tit": np.minimum(1083.5 + 1.01 * power + 0.69 * warmth, 1100) + spread("tit", 0.3),
            "tat": np.minimum(545.3 - 0.32 * power + 0.26 * warmth, 550) + spread("tat", 0.2),
            "tey": energy,
            "cdp": 12.09 + 0.07 * power + 0.0145 * warmth - 0.05 * dirt + spread("cdp", 0.02),
            "co": 2.2 * np.exp(-0.045 * power + spread("co", 0.2)),
            "nox": 69.1
            - 0.17 * power
            - 1.1 * warmth
            - 0.2 * damp
            + flame
            + level
            + spread("nox", 1.8),
        }
        return within(self._feed, measured)
