"""A model as a batch needs it, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vigie.errors import ModelError
from vigie.warehouse.unscored import Unscored

if TYPE_CHECKING:
    # It brings scikit-learn, which only drivers of feeds with a model need, and not at once.
    from vigie.modelling.learned import StreamedModel


@dataclass(frozen=True)
class Champion:
    """A version of a model, ready to predict; `model` makes its features."""

    model: StreamedModel
    version: int
    estimator: Any

    @classmethod
    def of(cls, name: str, version: int, estimator: Any) -> Champion:
        """Let it predict once, so that no batch waits for what is loaded only then.

        Raises:
            ModelError: The model forecasts days ahead, and scores no single reading.
        """
        from vigie.modelling.learned import MODELS, StreamedModel

        model = MODELS[name]
        if not isinstance(model, StreamedModel):
            raise ModelError(f"model {name} scores no readings; expected `scored: nightly`")
        with suppress(Exception):
            # If it fails, so it will with readings, and then that is said of them.
            estimator.predict(np.zeros((1, estimator.n_features_in_)))
        return cls(model, version, estimator)


FindChampion = Callable[[], Champion | Unscored]
"""The champion of this moment, or why there is none."""
