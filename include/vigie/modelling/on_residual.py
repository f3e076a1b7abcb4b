"""An estimator that learns what another leaves over."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, RegressorMixin, clone

from vigie.modelling.readings import Numbers


class OnResidual(RegressorMixin, BaseEstimator):
    """The sum of `first` and of `then`, which is fitted on the residual of `first`.

    A linear `first` goes on beyond the values it was trained on, which trees cannot.
    """

    def __init__(self, first: Any, then: Any) -> None:
        self.first = first
        self.then = then

    def fit(self, features: Numbers, target: Numbers) -> Self:
        """Fit copies of both, one after the other."""
        self.first_ = clone(self.first).fit(features, target)
        self.then_ = clone(self.then).fit(features, target - self.first_.predict(features))
        self.n_features_in_ = features.shape[1]
        return self

    def predict(self, features: Numbers) -> Numbers:
        """What both say together."""
        predicted: Numbers = self.first_.predict(features) + self.then_.predict(features)
        return predicted
