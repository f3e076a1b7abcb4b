"""The examples a model is trained and judged on, with the moments that make them honest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vigie.modelling.readings import Names, Numbers, Places, Times


@dataclass(frozen=True)
class Dataset:
    """One row per prediction, in the order in which predictions are made.

    `times` say what moment is predicted, `made` when the prediction is made, `known` from when on
    the label may be used. `rows` are the places of the readings predicted. Each baseline is what a
    model would say that has learned nothing, made from what was known at `made`.
    """

    sensors: Names
    times: Times
    made: Times
    known: Times
    features: Numbers
    target: Numbers
    rows: Places
    baselines: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.times)

    def take(self, which: Places | slice | npt.NDArray[np.bool_]) -> Dataset:
        """The rows at these places, or under this mask."""
        return Dataset(
            self.sensors[which],
            self.times[which],
            self.made[which],
            self.known[which],
            self.features[which],
            self.target[which],
            self.rows[which],
            {name: column[which] for name, column in self.baselines.items()},
        )

    def known_by(self, moment: np.datetime64) -> Dataset:
        """The rows whose label exists and may be used at `moment`."""
        return self.take((self.known <= moment) & np.isfinite(self.target))


def join(parts: Sequence[Dataset]) -> Dataset:
    """The rows of all parts, which have the same features and baselines, one part after another."""
    return Dataset(
        np.concatenate([part.sensors for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.made for part in parts]),
        np.concatenate([part.known for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.rows for part in parts]),
        {
            name: np.concatenate([part.baselines[name] for part in parts])
            for name in parts[0].baselines
        },
    )
