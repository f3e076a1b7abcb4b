"""An estimator that looks at the newest rows alone."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, RegressorMixin, clone

from vigie.modelling.readings import Numbers


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
        """What the estimator says."""
        predicted: Numbers = self.estimator_.predict(features)
        return predicted
