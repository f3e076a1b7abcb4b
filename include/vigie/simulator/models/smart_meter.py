"""Electricity meters of households: habits by hour, weekday and season, under one weather."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.model import Habits
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import DAY, bump, daily, day_of, hour_of, is_weekend, within, yearly

HABITS = Habits(
    sensors=20,
    every=timedelta(minutes=30),
    step=timedelta(minutes=30),
    history=timedelta(weeks=13),
)
_HALF_HOUR = 1800.0
_STAY = 9
"""Days of a stay: a household is at home or away for all of one."""


class Model:
    """The kWh of the half hour that ends at the moment asked for."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """Consumption: fridge and standby, people at home, heating and cooling."""
        noise, middle = self._noise, times - _HALF_HOUR / 2
        moment = np.round(times * 1000).astype(np.int64)
        hours, weekend = hour_of(middle), is_weekend(middle)
        morning = noise.between(6.5, 8.5, "morning", sensors) + 1.5 * weekend
        evening = noise.between(17.5, 20.5, "evening", sensors)
        at_home = noise.uniform("at home by day", sensors)
        people = (
            0.5 * bump(hours, peak=morning, width=1.2)
            + 1.0 * bump(hours, peak=evening, width=2.2)
            + (0.15 + 0.4 * at_home) * bump(hours, peak=13, width=3.0) * np.where(weekend, 1.6, 1.0)
        )
        # Moods and visits last some days: yesterday says more of today than last week does.
        mood = np.exp(0.35 * noise.wander("mood", middle, 2.5 * DAY, sensors))
        cold = self._cold(middle)
        heater = noise.between(0.0, 0.10, "heater", sensors)
        cooler = noise.between(0.0, 0.08, "cooler", sensors)
        awake = 0.45 + 0.55 * bump(hours, peak=evening, width=5.0)
        climate = (heater * np.maximum(cold, 0) + cooler * np.maximum(-cold - 8, 0)) * awake
        size = np.exp(0.4 * np.clip(noise.normal("size", sensors), -2, 2))
        scatter = np.exp(0.32 * np.clip(noise.normal("kwh", sensors, moment), -4, 4))
        base = noise.between(0.04, 0.12, "standby", sensors)
        used = base + (0.30 * people * mood + climate * mood**0.3) * ~self._away(sensors, middle)
        return within(self._feed, {"kwh": used * size * scatter})

    def _cold(self, times: Numbers) -> Numbers:
        """Degrees below 15 °C outside."""
        spell = np.clip(self._noise.wander("spell", times, 2.5 * DAY), -2.5, 2.5)
        return 3 - 8 * yearly(times) - 3 * daily(times, peak_hour=15) - 2.5 * spell

    def _away(self, sensors: Ints, times: Numbers) -> npt.NDArray[np.bool_]:
        stay = (day_of(times) + sensors) // _STAY
        away: npt.NDArray[np.bool_] = self._noise.uniform("away", sensors, stay) < 0.05
        return away
