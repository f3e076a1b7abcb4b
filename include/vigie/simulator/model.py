"""What models the sensors of a feed, and which model a feed has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from vigie.contract.feed import Feed
from vigie.simulator.signals import GenericModel


class Model(Protocol):
    """One sensor. A feed's own is the class `Model(feed, *, seed, sensor)` in a module of its name.

    Sensors are numbered from 0. Equal arguments and an equal sequence of moments give equal values.
    """

    def values(self, at: datetime) -> Mapping[str, Any]:
        """What the sensor measures at a moment, by the names the encoder of messages knows."""


def make_model(feed: Feed, *, seed: int, sensor: int) -> Model:
    """The model in `vigie.simulator.models` named like the feed, else the generic one."""
    name = f"vigie.simulator.models.{feed.name}"
    if find_spec(name) is None:
        return GenericModel(feed, seed=seed, sensor=sensor)
    model: Model = import_module(name).Model(feed, seed=seed, sensor=sensor)
    return model
