"""The learned models, and what each of them must offer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vigie.contract.feed import Feed
from vigie.contract.feed import Model as Block
from vigie.contract.loader import load_feeds
from vigie.errors import ModelError
from vigie.modelling.consumption import Consumption
from vigie.modelling.correction import Correction
from vigie.modelling.dataset import Dataset
from vigie.modelling.memory import Memory
from vigie.modelling.nox import Nox
from vigie.modelling.readings import Numbers, Readings


class LearnedModel(Protocol):
    """How one target is predicted: features, estimator, and what is done between trainings."""

    name: str
    inputs: tuple[str, ...]
    """The fields it needs."""
    feature_names: tuple[str, ...]
    """What each column of its features is, in words."""
    rows: int | None
    """It is trained on the newest so many rows of each sensor; None: on all."""
    drift_above: float
    """The mean absolute error of the last three days' known labels that means drift."""

    def dataset(self, readings: Readings, target: str, delay: np.timedelta64) -> Dataset:
        """Every prediction that could have been made over the history `readings`."""
        ...

    def estimator(self) -> Any:
        """An estimator as scikit-learn knows it, not fitted; every fit has these settings."""
        ...

    def static(self) -> Any:
        """The estimator that is trained once, for comparison."""
        ...

    def correction(self, delay: np.timedelta64) -> Correction | None:
        """A correction that knows nothing yet, if the model has one."""
        ...


@runtime_checkable
class StreamedModel(LearnedModel, Protocol):
    """A model that predicts each reading at once, from it and the sensor's newest rows before."""

    remembered: tuple[str, ...]
    """The fields of those rows: the columns of the memory."""
    depth: int
    """How many rows of a sensor the memory holds at most."""

    def features(self, memory: Memory, readings: Readings) -> tuple[Numbers, Memory]:
        """The features of readings in the order of time, and the memory to go on from."""
        ...


@runtime_checkable
class ForecastModel(LearnedModel, Protocol):
    """A model that says a sensor's day as the day begins, from what was measured before."""

    past: timedelta
    """History before a day that its forecast is made from."""

    def ahead(
        self, readings: Readings, target: str, delay: np.timedelta64, day: np.datetime64
    ) -> Dataset:
        """What is to be said of `day`, per sensor and half hour, from readings before it."""
        ...


_ALL: tuple[LearnedModel, ...] = (Nox(), Consumption())
MODELS = {model.name: model for model in _ALL}


def find_model(name: str) -> tuple[LearnedModel, Feed, Block]:
    """The model, the feed whose contract asks for it, and what the contract says about it.

    Raises:
        ModelError: There is no such model, not one contract names it, or the feed lacks a field.
        ContractError: A contract is wrong.
    """
    if name not in MODELS:
        raise ModelError(f"model {name!r}: no such model; there are: {', '.join(MODELS)}")
    model = MODELS[name]
    asking = [feed for feed in load_feeds().values() if feed.model and feed.model.name == name]
    if len(asking) != 1:
        named = ", ".join(feed.name for feed in asking) or "none"
        raise ModelError(
            f"model {name}: found contracts that name it: {named}; expected one with "
            f"`model: {{name: {name}, ...}}`"
        )
    (feed,) = asking
    absent = [field for field in model.inputs if field not in feed.fields]
    if feed.model is None or absent:
        raise ModelError(
            f"model {name}: feed {feed.name} has no field {', '.join(absent)}; "
            f"the model needs {', '.join(model.inputs)}"
        )
    if feed.model.scored == "stream" and not isinstance(model, StreamedModel):
        raise ModelError(
            f"model {name}: forecasts days ahead, and feed {feed.name} says `scored: stream`; "
            "expected `scored: nightly`"
        )
    return model, feed, feed.model
