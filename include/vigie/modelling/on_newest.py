"""An estimator that looks at the newest rows alone."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from vigie.modelling.readings import Numbers

_AT_ONCE = 5000


class OnNewest(RegressorMixin, BaseEstimator):
    """Fits a copy of `estimator` on the last `rows` rows, which must be in the order of time.

    For those whose cost grows with the cube of the rows, as that of a Gaussian process does.
    """

    def __init__(self, estimator: Any, rows: int) -> None:
        self.estimator = estimator
        self.rows = rows

    def fit(self, features: Numbers, target: Numbers) -> Self:
        """Fit on the newest rows."""
        self.estimator_ = clone(self.estimator).fit(features[-self.rows :], target[-self.rows :])
        self.n_features_in_ = features.shape[1]
        return self

    def predict(self, features: Numbers) -> Numbers:
        """What the estimator says, some thousand rows at a time.

        A Gaussian process compares each with all it was fitted on: a week of a sensor that reports
        every few seconds would not fit into memory at once.
        """
        begins = range(0, max(len(features), 1), _AT_ONCE)
        parts = [self.estimator_.predict(features[begin : begin + _AT_ONCE]) for begin in begins]
        return np.concatenate(parts)
