"""Training, strictly in the order of time: each fit sees only labels known when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vigie.errors import TooLittleHistory
from vigie.modelling.dataset import Dataset
from vigie.modelling.learned import LearnedModel
from vigie.modelling.readings import Places

HELD_BACK = np.timedelta64(7, "D")
LEAST = 100
"""A model is not trained on fewer rows."""


@dataclass(frozen=True)
class Fit:
    """A fitted estimator, the predicted moments it was trained on, and how many rows.

    `features` are its columns in words; a file from before they were kept has none.
    """

    estimator: Any
    begin: np.datetime64
    end: np.datetime64
    rows: int
    features: tuple[str, ...] = ()

    def sees(self, features: tuple[str, ...]) -> bool:
        """Whether it was trained on these features; without their names, on as many."""
        if self.features:
            return self.features == features
        return bool(getattr(self.estimator, "n_features_in_", None) == len(features))


@dataclass(frozen=True)
class Challenger:
    """A model that has not passed the gate: fitted without the newest week, which judges it."""

    judged: Fit
    week: Dataset
    """The newest week of known labels, held back from `judged`."""
    promised: np.timedelta64
    """How much time the rows span that it would be fitted on again, if it passes."""


def challenge(model: LearnedModel, known: Dataset) -> Challenger:
    """Fit on all of `known` but its newest week.

    Raises:
        TooLittleHistory: There are too few rows before that week.
    """
    held_back = known.times > known.times.max() - HELD_BACK if len(known) else np.zeros(0, bool)
    judged = fit(model, known.take(~held_back))
    return Challenger(judged, known.take(held_back), np.ptp(_examples(model, known).times))


def fit(model: LearnedModel, known: Dataset) -> Fit:
    """Fit on the newest rows of `known`, as many of each sensor as the model says.

    Raises:
        TooLittleHistory: There are too few rows.
    """
    if len(known) < LEAST:
        raise TooLittleHistory(
            f"model {model.name}: found {len(known)} rows to train on, expected {LEAST}; "
            "more history is needed, or a shorter label delay"
        )
    examples = _examples(model, known)
    estimator = model.estimator().fit(examples.features, examples.target)
    begin, end = examples.times.min(), examples.times.max()
    return Fit(estimator, begin, end, len(examples), model.feature_names)


def _examples(model: LearnedModel, known: Dataset) -> Dataset:
    return known if model.rows is None else known.take(_newest(known, model.rows))


def _newest(known: Dataset, rows: int) -> Places:
    kept = [np.flatnonzero(known.sensors == sensor)[-rows:] for sensor in np.unique(known.sensors)]
    return np.sort(np.concatenate(kept))
