"""Random numbers that are a function of what they belong to, not of how often one asked.

A number is a hash of its name, the seed and whatever else it belongs to (sensor, millisecond, day),
so that any slice of a simulation can be made again, and a history meets the live readings.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Noise:
    """All randomness of one feed's simulation. Arguments are whole numbers or arrays of them."""

    def __init__(self, feed: str, seed: int) -> None:
        self._root = _mix(_mix(np.zeros(1, np.uint64), crc32(feed.encode())), seed)

    def uniform(self, name: str, *owner: Ints | int) -> Numbers:
        """Between 0 and 1, both excluded."""
        state = _mix(self._root, crc32(name.encode()))
        for part in owner:
            state = _mix(state, part)
        return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, name: str, *owner: Ints | int) -> Numbers:
        """Mean 0, standard deviation 1."""
        radius = np.sqrt(-2 * np.log(self.uniform(name, *owner, 1)))
        turn: Numbers = radius * np.cos(2 * np.pi * self.uniform(name, *owner, 2))
        return turn

    def between(self, low: float, high: float, name: str, *owner: Ints | int) -> Numbers:
        """Evenly between two bounds."""
        return low + (high - low) * self.uniform(name, *owner)

    def wander(self, name: str, times: Numbers, seconds: float, *owner: Ints | int) -> Numbers:
        """A smooth signal that forgets itself within some `seconds`; mean 0, deviation 1.

        Args:
            name: Another name is another signal.
            times: Seconds since the epoch.
            seconds: The time between two values it is drawn through.
            owner: Whose signal it is.
        """
        knot = np.floor(times / seconds)
        share = times / seconds - knot
        weight = share * share * (3 - 2 * share)
        number = knot.astype(np.int64)
        before, after = (self.normal(name, *owner, number + ahead) for ahead in (0, 1))
        mixed: Numbers = before * (1 - weight) + after * weight
        return mixed / np.sqrt((1 - weight) ** 2 + weight**2)


def _mix(state: npt.NDArray[np.uint64], part: Ints | int) -> npt.NDArray[np.uint64]:
    """One round of splitmix64."""
    number = np.atleast_1d(np.asarray(part, dtype=np.int64)).view(np.uint64)
    mixed = state * _FIRST + number * _STEP + _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))
