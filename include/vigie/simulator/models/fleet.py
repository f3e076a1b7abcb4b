"""Vehicles on delivery rounds: an hour is a leg of a route and a stop; nights are at the depot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.model import Habits
from vigie.simulator.noise import Ints, Noise, Numbers
from vigie.simulator.signals import DAY, daily, response, within, yearly

HABITS = Habits(sensors=20, every=timedelta(seconds=5), step=timedelta(minutes=5))
_LATITUDE, _LONGITUDE = -33.87, 151.05
_LOCAL = 10 * 3600
"""Seconds by which the fleet's clock is ahead of UTC."""
_FIRST_HOUR, _LEGS = 6, 12
_SLOT = 1200.0
_DRIVEN_SLOTS = 2
"""Of the three slots of an hour, two are driven and one is a stop."""
_WAYPOINTS = 6
"""Points of a leg at which the road bends."""
_REACH = 0.11
"""Degrees of latitude, about 12 km, between the depot and the farthest stop."""


class Model:
    """The engine warms up on the way and cools at stops; some days it runs hot."""

    def __init__(self, feed: Feed, *, seed: int) -> None:
        self._feed = feed
        self._noise = Noise(feed.name, seed)

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """All four measurements and the position."""
        noise, moment = self._noise, np.round(times * 1000).astype(np.int64)
        # Vehicles do not leave all at the same minute.
        clock = times + _LOCAL - noise.between(0, 3000, "departure", sensors)

        def spread(name: str, size: float) -> Numbers:
            return size * noise.normal(name, sensors, moment)

        def heat(slot: Ints) -> Numbers:
            return self._driving(slot) * self._heat(sensors, slot)

        outside = 17 + 6 * yearly(times, peak_day=20) + 4 * daily(times + _LOCAL, peak_hour=15)
        engine = response(heat, clock, slot=_SLOT, decay=600, slots=12)
        moving = self._driving(np.floor(clock / _SLOT).astype(np.int64))
        latitude, longitude = self._position(sensors, clock)
        sun = np.maximum(daily(times + _LOCAL, peak_hour=12.5), 0)
        measured = {
            "temperature": outside + engine + spread("temperature", 0.3),
            "humidity": 62
            - 1.1 * (outside - 17)
            - 0.15 * engine
            + 5 * noise.wander("damp", times, 0.5 * DAY)
            + spread("humidity", 0.5),
            "light": 20 + 60_000 * sun**2 + spread("light", 2.0),
            "dust": (18 + 30 * moving) * np.exp(0.3 * noise.normal("dust", sensors, moment)),
            "latitude": latitude,
            "longitude": longitude,
        }
        return within(self._feed, measured)

    def _driving(self, slot: Ints) -> Numbers:
        hour = slot // 3 % 24
        works = (hour >= _FIRST_HOUR) & (hour < _FIRST_HOUR + _LEGS)
        return (works & (slot % 3 < _DRIVEN_SLOTS)).astype(np.float64)

    def _heat(self, sensors: Ints, slot: Ints) -> Numbers:
        """Degrees above the air outside that the engine tends to."""
        hot_day = self._noise.uniform("hot day", sensors, slot // 72) < 0.12
        return self._noise.between(42, 52, "engine", sensors, slot // 3) + 24 * hot_day

    def _position(self, sensors: Ints, clock: Numbers) -> tuple[Numbers, Numbers]:
        """Where a vehicle is between its last stop and the next, along the waypoints between."""
        hour = np.floor(clock / 3600).astype(np.int64)
        leg = np.clip(hour % 24 - _FIRST_HOUR, 0, _LEGS)
        works = (hour % 24 >= _FIRST_HOUR) & (leg < _LEGS)
        share = np.where(works, np.minimum(clock % 3600 / (_DRIVEN_SLOTS * _SLOT), 1), 0)
        # Speeds up at the beginning and slows down at the end.
        along = (share - np.sin(2 * np.pi * share) / (2 * np.pi) * 0.6) * _WAYPOINTS
        point = np.minimum(np.floor(along), _WAYPOINTS - 1).astype(np.int64)
        rest = along - point
        day = hour // 24
        first = self._waypoint(sensors, day, leg, point)
        second = self._waypoint(sensors, day, leg, point + 1)
        north, east = (a + (b - a) * rest for a, b in zip(first, second, strict=True))
        return np.round(_LATITUDE + north, 6), np.round(_LONGITUDE + east, 6)

    def _waypoint(self, sensors: Ints, day: Ints, leg: Ints, point: Ints) -> tuple[Numbers, ...]:
        """Degrees north and east of the town's middle."""
        share = point / _WAYPOINTS
        bends = (point > 0) & (point < _WAYPOINTS)
        found = []
        for axis, name in enumerate(("north", "east")):
            begin, end = (self._stop(name, sensors, day, leg + ahead) for ahead in (0, 1))
            bend = self._noise.between(-0.005, 0.005, "bend", sensors, day, leg, point, axis)
            found.append(begin + (end - begin) * share + bend * bends)
        return tuple(found)

    def _stop(self, axis: str, sensors: Ints, day: Ints, number: Ints) -> Numbers:
        # The day begins and ends at the depot, so that one day's round joins the next's.
        at_depot = number % _LEGS == 0
        depot = self._noise.between(-0.02, 0.02, f"depot {axis}")
        return np.where(
            at_depot, depot, self._noise.between(-_REACH, _REACH, axis, sensors, day, number)
        )
