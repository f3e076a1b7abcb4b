"""Gas turbines at one site: weather and load drive everything else.

The coefficients are least-squares fits to hourly means of a real turbine, around its mean state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import cos, exp, pi
from typing import Any

from vigie.contract.feed import Feed
from vigie.simulator.signals import daily, drift, generator, within

_MEAN_ENERGY = 134.0
_MEAN_TEMPERATURE = 17.7
_MEAN_HUMIDITY = 78.0


@dataclass(frozen=True)
class Air:
    """Ambient temperature (°C), pressure (mbar) and humidity (%)."""

    temperature: float
    pressure: float
    humidity: float


def ambient(at: datetime, *, phase: float) -> Air:
    """The weather of the site, which all its turbines share."""
    season = cos(2 * pi * (at.timetuple().tm_yday - 200) / 365)
    day = daily(at, peak_hour=14)
    spell = drift(at, days=5, phase=phase)
    temperature = _MEAN_TEMPERATURE + 8 * season + 4 * day + 2 * spell
    return Air(
        temperature=temperature,
        pressure=1012.5 - 0.42 * (temperature - _MEAN_TEMPERATURE) + 6 * spell,
        humidity=_MEAN_HUMIDITY - 4 * season - 12 * day - 4 * spell,
    )


def load(at: datetime) -> float:
    """The share of the turbine's range asked for: high by day, with an evening peak, low at night.

    Weekends ask for less.
    """
    demand = 0.42 + 0.25 * daily(at, peak_hour=15) + 0.1 * daily(at, peak_hour=20)
    return demand - (0.12 if at.weekday() >= 5 else 0.0)


class Model:
    """One turbine; its NOx level and its filter wander over months, as real ones do."""

    def __init__(self, feed: Feed, *, seed: int, sensor: int) -> None:
        self._feed = feed
        self._site_phase = generator(feed, seed).uniform()
        self._random = generator(feed, seed, sensor)
        self._phase = self._random.uniform()
        self._strength = self._random.normal(0, 3)

    def values(self, at: datetime) -> Mapping[str, Any]:
        """All eleven measurements."""
        noise = self._random.normal(size=11)
        air = ambient(at, phase=self._site_phase)
        warmth = air.temperature - _MEAN_TEMPERATURE
        energy = 105 + 65 * load(at) - 0.3 * warmth + self._strength + noise[0]
        power = energy - _MEAN_ENERGY
        fouling = 0.4 * drift(at, days=90, phase=self._phase)
        level = 8 * drift(at, days=200, phase=self._phase)
        damp = air.humidity - _MEAN_HUMIDITY
        measured = {
            "at": air.temperature + 0.1 * noise[1],
            "ap": air.pressure + 0.1 * noise[2],
            "ah": air.humidity + 0.5 * noise[3],
            "afdp": 4.06 + 0.0345 * power + 0.0244 * warmth + fouling + 0.03 * noise[4],
            "gtep": 25.4 + 0.266 * power + 0.085 * warmth + 0.1 * noise[5],
            "tit": min(1083.5 + 1.01 * power + 0.69 * warmth, 1100) + 0.4 * noise[6],
            "tat": min(545.3 - 0.32 * power + 0.26 * warmth, 550) + 0.2 * noise[7],
            "tey": energy,
            "cdp": 12.09 + 0.07 * power + 0.0145 * warmth + 0.02 * noise[8],
            "co": 2.2 * exp(-0.045 * power + 0.2 * noise[9]),
            "nox": 69.1 - 0.17 * power - 1.24 * warmth - 0.27 * damp + level + noise[10],
        }
        return within(self._feed, {name: float(value) for name, value in measured.items()})
