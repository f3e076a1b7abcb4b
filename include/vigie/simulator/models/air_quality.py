"""Air quality stations of one city: they share weather and traffic, each with its own exposure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.model import Habits
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import DAY, bump, daily, hour_of, is_weekend, within

HABITS = Habits(
    sensors=10,
    every=timedelta(seconds=10),
    step=timedelta(hours=1),
    history=timedelta(weeks=13),
)


def traffic(times: Numbers) -> Numbers:
    """Between 0.15 at night and about 1 in the rush hours; less at weekends."""
    hours = hour_of(times)
    rush = bump(hours, peak=8, width=2.5) + bump(hours, peak=18, width=2.5)
    return 0.15 + np.where(is_weekend(times), 0.55, 0.85) * rush


class Model:
    """Still air lets pollution build up; sunlight makes ozone, which NO eats."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """All seven pollutants."""
        noise, moment = self._noise, np.round(times * 1000).astype(np.int64)

        def scatter(name: str) -> Numbers:
            nearby = 0.08 * noise.wander(f"{name} nearby", times, 1800, sensors)
            return np.exp(nearby + 0.03 * noise.normal(name, sensors, moment))

        stillness = np.exp(0.5 * np.clip(noise.wander("stillness", times, 2 * DAY), -2.5, 2.5))
        exposure = noise.between(0.6, 1.4, "exposure", sensors)
        fumes = traffic(times) * stillness * exposure
        sun = np.maximum(daily(times, peak_hour=13), 0)
        no2 = (15 + 45 * fumes) * scatter("no2")
        pm25 = (8 + 28 * stillness**1.5 * (0.7 + 0.3 * fumes)) * scatter("pm25")
        measured = {
            "pm25": pm25,
            # Coarse dust comes on top of fine dust.
            "pm10": pm25 + (12 + 0.4 * pm25) * scatter("pm10"),
            "so2": (3 + 6 * stillness) * scatter("so2"),
            "no2": no2,
            "co": (220 + 700 * fumes) * scatter("co"),
            "o3": np.maximum(30 + 100 * sun - 0.4 * no2, 2) * scatter("o3"),
            "co2": 415 + 45 * fumes * scatter("co2"),
        }
        return within(self._feed, measured)
