"""Air quality stations of one city: they share weather and traffic, each with its own exposure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import exp
from typing import Any

from vigie.contract.feed import Feed
from vigie.simulator.signals import daily, drift, generator, within

_RUSH_HOURS = (8.0, 18.0)


def traffic(at: datetime) -> float:
    """Between 0.15 at night and about 1 in the rush hours (UTC); less at weekends."""
    hour = at.hour + at.minute / 60 + at.second / 3600
    rush = sum(exp(-(((hour - peak) / 2.5) ** 2)) for peak in _RUSH_HOURS)
    return 0.15 + (0.55 if at.weekday() >= 5 else 0.85) * rush


class Model:
    """One station. Still air lets pollution build up; sunlight makes ozone, which NO eats."""

    def __init__(self, feed: Feed, *, seed: int, sensor: int) -> None:
        self._feed = feed
        self._city_phase = generator(feed, seed).uniform()
        self._random = generator(feed, seed, sensor)
        self._exposure = self._random.uniform(0.6, 1.4)

    def values(self, at: datetime) -> Mapping[str, Any]:
        """All seven pollutants."""
        scatter = [exp(0.05 * noise) for noise in self._random.normal(size=7)]
        stillness = exp(0.8 * drift(at, days=6, phase=self._city_phase))
        fumes = traffic(at) * stillness * self._exposure
        sun = max(daily(at, peak_hour=13), 0.0)
        no2 = (15 + 45 * fumes) * scatter[0]
        pm25 = (8 + 28 * stillness**1.5 * (0.7 + 0.3 * fumes)) * scatter[1]
        measured = {
            "pm25": pm25,
            "pm10": (12 + 1.4 * pm25) * scatter[2],
            "so2": (3 + 6 * stillness) * scatter[3],
            "no2": no2,
            "co": (220 + 700 * fumes) * scatter[4],
            "o3": max(30 + 100 * sun - 0.4 * no2, 2) * scatter[5],
            "co2": 415 + 45 * fumes * scatter[6],
        }
        return within(self._feed, measured)
