"""Readings as arrays: what every model's features are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
Names = npt.NDArray[np.str_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Readings:
    """Rows of a feed in the order of event time.

    `times` are UTC in milliseconds; `values` has one array per field, in the contract's units,
    with NaN for what is missing. All arrays are as long as `sensors`.
    """

    sensors: Names
    times: Times
    values: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.sensors)

    def take(self, rows: Places | slice) -> Readings:
        """The readings at these places."""
        values = {name: column[rows] for name, column in self.values.items()}
        return Readings(self.sensors[rows], self.times[rows], values)

    def by_sensor(self) -> Iterator[tuple[str, Places]]:
        """Each sensor with the places of its rows, in order."""
        names, owner = np.unique(self.sensors, return_inverse=True)
        order = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=len(names)))
        for name, places in zip(names, np.split(order, ends[:-1]), strict=len(names) > 0):
            yield str(name), places
