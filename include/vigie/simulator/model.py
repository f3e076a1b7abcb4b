"""What models the sensors of a feed, and which model a feed has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.generic import GenericModel
from vigie.simulator.noise import Ints, Numbers


@dataclass(frozen=True)
class Habits:
    """How the sensors of a feed report unless told otherwise.

    `every` is the time between a sensor's live readings, `step` that in a first history, which
    goes back by `history`.
    """

    sensors: int = 5
    every: timedelta = timedelta(seconds=10)
    step: timedelta = timedelta(minutes=5)
    history: timedelta = timedelta(days=14)

    @property
    def rows(self) -> int:
        """How many readings a first history has."""
        return self.sensors * (self.history // self.step)


class Model(Protocol):
    """The sensors of a feed. Its own is `Model(feed, *, seed)` in a module of the feed's name."""

    def values(self, sensors: Ints, times: Numbers) -> Mapping[str, npt.NDArray[Any]]:
        """What sensors measure, by the names the encoder of messages knows.

        Args:
            sensors: Which sensor, counted from 0; one per value asked for.
            times: When, in seconds since the epoch; as many. A value depends on seed, sensor and
                millisecond alone.
        """


def make_model(feed: Feed, *, seed: int) -> Model:
    """The model in `vigie.simulator.models` named like the feed, else the generic one."""
    name = _module(feed)
    if find_spec(name) is None:
        return GenericModel(feed, seed=seed)
    model: Model = import_module(name).Model(feed, seed=seed)
    return model


def habits_of(feed: Feed) -> Habits:
    """The habits beside the feed's model, else the general ones."""
    name = _module(feed)
    if find_spec(name) is None:
        return Habits()
    habits: Habits = import_module(name).HABITS
    return habits


def _module(feed: Feed) -> str:
    return f"vigie.simulator.models.{feed.name}"
