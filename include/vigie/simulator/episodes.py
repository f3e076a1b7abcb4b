"""Faults that last: from a reading on, some readings of the same sensor."""

from __future__ import annotations

from collections.abc import Callable

from vigie.simulator.readings import Reading


class Episodes:
    """Follows each sensor through its episodes of `length` readings; one begins where told."""

    def __init__(self, begins: Callable[[Reading], bool], length: int) -> None:
        self._begins = begins
        self._length = length
        self._places: dict[int, int] = {}

    def place(self, reading: Reading) -> int | None:
        """The reading's place in an episode, from 0; None outside. Ask once for each reading."""
        place = self._places.pop(reading.sensor, -1) + 1
        if place == 0 and not self._begins(reading):
            return None
        if place + 1 < self._length:
            self._places[reading.sensor] = place
        return place
