"""Faults as stages on the way of readings and messages; each counts what it did.

Which reading is struck is a function of seed, fault, sensor and moment, so that equal arguments
give equal faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

from vigie.contract.feed import Feed
from vigie.errors import SettingsError
from vigie.simulator.episodes import Episodes
from vigie.simulator.readings import Reading
from vigie.simulator.tally import Tally

_WRONG_CLOCK = timedelta(days=30 * 365)
"""A clock set to a year to come, whenever the reading is sent."""
_LONG = 10
"""Readings of a sensor that an episode of some length takes."""

Stage = Callable[[Iterable[Reading]], Iterator[Reading]]


class Faults:
    """What goes wrong with the sensors of one feed, at a rate.

    Args:
        feed: The contract; a fault it has no place for is left out unless it is named.
        kinds: Names of faults; empty for all.
        rate: The share of readings that each kind strikes.
        seed: Another seed strikes other readings.
        tally: Where the stages count.
    """

    def __init__(
        self, feed: Feed, *, kinds: Iterable[str], rate: float, seed: int, tally: Tally
    ) -> None:
        self._feed = feed
        self._seed = seed
        self._rate = rate
        self._tally = tally
        self._kinds = _checked(feed, tuple(kinds))

    def on_readings(self, source: Iterable[Reading]) -> Iterable[Reading]:
        """The faults of sensors and their clocks."""
        stages: dict[str, Stage] = {
            "gaps": self._gaps,
            "battery": self._dying_battery,
            "stuck": self._stuck,
            "swapped": self._swapped,
            "clocks": self._clocks,
        }
        for kind, stage in stages.items():
            if kind in self._kinds:
                source = stage(source)
        return source

    def strikes(self, kind: str, reading: Reading, *, length: int = 1) -> bool:
        """Whether a fault strikes this reading, and the next ones up to `length` with it."""
        return kind in self._kinds and self.chance(kind, reading) < self._rate / length

    def chance(self, kind: str, reading: Reading) -> float:
        """A number between 0 and 1 that belongs to the fault and the reading."""
        # Asked for one reading at a time, where the hash of arrays would be slow.
        owner = f"{self._feed.name} {self._seed} {kind} {reading.sensor} {reading.at.isoformat()}"
        return int.from_bytes(blake2b(owner.encode(), digest_size=8).digest()) / 2**64

    def _episodes(self, kind: str, length: int = _LONG) -> Episodes:
        return Episodes(lambda reading: self.strikes(kind, reading, length=length), length)

    def _gaps(self, source: Iterable[Reading]) -> Iterator[Reading]:
        """A sensor says nothing for a while."""
        episodes = self._episodes("gaps")
        for reading in source:
            if episodes.place(reading) is None:
                yield reading
            else:
                self._tally.faults["gaps"] += 1

    def _dying_battery(self, source: Iterable[Reading]) -> Iterator[Reading]:
        """The charge falls to nothing, the sensor warns, then fails, then is silent."""
        episodes = self._episodes("battery", 2 * _LONG)
        status = self._feed.status
        for reading in source:
            place = episodes.place(reading)
            if place is not None:
                self._tally.faults["battery"] += 1
                if place >= _LONG:
                    continue
                charge = min(reading.values["battery"], 15.0) * (1 - (place + 1) / _LONG)
                changed = reading.values | {"battery": round(charge, 4)}
                if status and status.warning and status.fault:
                    changed["status"] = (status.warning if charge > 5 else status.fault)[0]
                reading = replace(reading, values=changed)
            yield reading

    def _stuck(self, source: Iterable[Reading]) -> Iterator[Reading]:
        """A sensor repeats the values it had, at new moments."""
        episodes = self._episodes("stuck")
        held: dict[int, Reading] = {}
        for reading in source:
            place = episodes.place(reading)
            if place == 0:
                held[reading.sensor] = reading
            elif place is not None:
                self._tally.faults["stuck"] += 1
                reading = replace(reading, values=held[reading.sensor].values)
            yield reading

    def _swapped(self, source: Iterable[Reading]) -> Iterator[Reading]:
        """Latitude and longitude change places; seen only where the result is no latitude."""
        for reading in source:
            if self.strikes("swapped", reading):
                self._tally.faults["swapped"] += 1
                values = reading.values
                turned = {"latitude": values["longitude"], "longitude": values["latitude"]}
                fate = "position" if abs(turned["latitude"]) > 90 else reading.fate
                reading = replace(reading, values=values | turned, fate=fate)
            yield reading

    def _clocks(self, source: Iterable[Reading]) -> Iterator[Reading]:
        """The clock is years ahead."""
        for reading in source:
            if self.strikes("clocks", reading):
                self._tally.faults["clocks"] += 1
                reading = replace(reading, told=reading.at + _WRONG_CLOCK, fate="future")
            yield reading


KINDS = (
    *("gaps", "battery", "stuck", "swapped", "clocks"),
    *("malformed", "copies", "conflicts", "late"),
)


def _checked(feed: Feed, kinds: tuple[str, ...]) -> tuple[str, ...]:
    possible = [
        kind
        for kind in KINDS
        if not (kind == "battery" and "battery" not in feed.fields)
        and not (kind == "swapped" and feed.position is None)
    ]
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong:
        message = f"faults: found {', '.join(wrong)}, expected some of {', '.join(KINDS)}"
        raise SettingsError(message)
    return tuple(kind for kind in possible if kind in kinds or not kinds)
