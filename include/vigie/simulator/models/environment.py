"""Sensors in the rooms of an office: people come, breathe and warm it; then it is aired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.model import Habits
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import DAY, daily, hour_of, is_weekend, response, within, yearly

HABITS = Habits(sensors=20, every=timedelta(seconds=10), step=timedelta(minutes=5))
_SLOT = 1800.0
"""Seconds for which the number of people in a room stays the same."""
_PPM_PER_PERSON = 115.0
_OUTSIDE = 420.0
_LOW, _EMPTY = 12.0, 3.0
"""Battery charge (%) from which a sensor warns, and from which it reports a fault."""


class Model:
    """One room each; the weather outside and the hours of work are shared."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """All five measurements, position and status."""
        noise, moment = self._noise, np.round(times * 1000).astype(np.int64)

        def spread(name: str, size: float) -> Numbers:
            return size * noise.normal(name, sensors, moment)

        def people(slot: Ints) -> Numbers:
            return self.people(sensors, slot)

        breath = response(people, times, slot=_SLOT, decay=2400, slots=16)
        bodies = response(people, times, slot=_SLOT, decay=5400, slots=32)
        spell = noise.wander("spell", times, 2.5 * DAY)
        outside = 12 + 7.5 * yearly(times) + 3.5 * daily(times, peak_hour=15) + 2 * spell
        indoors = 19.5 + noise.between(0, 2, "heating", sensors) + 0.12 * (outside - 12)
        temperature = indoors + 0.28 * bodies + spread("temperature", 0.05)
        # The same water in warmer air is less relative humidity; people add some.
        damp = 42 + 5 * noise.wander("damp", times, 2 * DAY) + 6 * yearly(times)
        battery = self._battery(sensors, times)
        measured = {
            "temperature": temperature,
            "humidity": damp - 1.8 * (temperature - 21) + 0.9 * breath + spread("humidity", 0.3),
            "co2": _OUTSIDE + 12 + _PPM_PER_PERSON * breath + spread("co2", 5),
            "pressure": 1014 + 7 * spell + spread("pressure", 0.1),
            "battery": battery,
            "latitude": np.round(noise.between(48.885, 48.895, "latitude", sensors), 6),
            "longitude": np.round(noise.between(2.23, 2.25, "longitude", sensors), 6),
            "status": self._status(sensors, times, battery),
        }
        return within(self._feed, measured)

    def people(self, sensors: Ints, slot: Ints) -> Numbers:
        """How many people are in each room during a slot of the day."""
        begin = slot.astype(np.float64) * _SLOT
        hours = hour_of(begin)
        size = np.floor(self._noise.between(2, 13, "seats", sensors))
        work = (hours >= 8) & (hours < 18.5) & ~is_weekend(begin)
        lunch = np.where((hours >= 12) & (hours < 13.5), 0.3, 1.0)
        # A meeting fills the room; half of the time it is empty.
        meets = self._noise.uniform("meets", sensors, slot // 3) < 0.5
        share = self._noise.uniform("share", sensors, slot // 3)
        return np.where(work & meets, np.ceil(size * lunch * share), 0.0)

    def _battery(self, sensors: Ints, times: Numbers) -> Numbers:
        """Falls for two to four months, faster at the end; then somebody changes it."""
        life = self._noise.between(60, 120, "life", sensors) * DAY
        used = (times / life + self._noise.uniform("age", sensors)) % 1
        return 100 * (1 - used**1.3)

    def _status(self, sensors: Ints, times: Numbers, battery: Numbers) -> npt.NDArray[np.str_]:
        quarter = np.floor(times / 900).astype(np.int64)
        # Its gateway answers for a sensor it does not reach, with what it last knew.
        unreached = self._noise.uniform("reached", sensors, quarter) < 0.002
        conditions = [unreached, battery < _EMPTY, battery < _LOW]
        return np.select(conditions, ["OFFLINE", "FAULT", "WARN"], "OK")
