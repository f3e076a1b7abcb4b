"""Whether a champion does worse, on what came after its training, than the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from vigie.contract.feed import Feed, Model
from vigie.errors import OtherFeatures
from vigie.modelling.between import read_between, sensor_numbers
from vigie.modelling.dataset import Dataset
from vigie.modelling.learned import LearnedModel, StreamedModel
from vigie.modelling.registry import PREVIOUS, fetch, find_release, load_fit
from vigie.modelling.train import Fit
from vigie.modelling.versions import Release
from vigie.monitoring.predictions import as_moment
from vigie.settings import get_settings

WORSE = 1.25
"""So many times its predecessor's error sends a champion back; a little worse is luck."""
LEAST = 24
"""On fewer labels nothing is decided."""
SENSORS = 50
"""Sensors that are looked at; all, where there are no more."""
ROWS = 2000
"""Rows that are compared, spread evenly, where there are more."""
_LOOK_BACK = {True: timedelta(days=3), False: timedelta(days=35)}
"""History before the rows compared, which their features are made from, in the stream or not."""
_LONGEST = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Comparison:
    """Mean absolute errors of both on the same rows, which neither was trained on."""

    rows: int
    champion: float
    previous: float

    @property
    def is_worse(self) -> bool:
        """Whether the champion should make way."""
        return self.rows >= LEAST and self.champion > WORSE * self.previous


def worse_than_before(
    model: LearnedModel, feed: Feed, block: Model, champion: Release, now: datetime
) -> str | None:
    """In words, if the champion should make way; None if not, or if nobody can say.

    Raises: as `compare`.
    """
    previous = find_release(block.name, PREVIOUS)
    if previous is None or previous.version == champion.version:
        return None
    found = compare(model, feed, block, champion, previous, now)
    if found is None or not found.is_worse:
        return None
    return (
        f"version {champion.version} has error {found.champion:.4g} on {found.rows} labels "
        f"that came after its training, version {previous.version} {found.previous:.4g}"
    )


def compare(
    model: LearnedModel,
    feed: Feed,
    block: Model,
    champion: Release,
    previous: Release,
    now: datetime,
) -> Comparison | None:
    """Let both predict what came after both were trained and is known now; None if nothing is.

    Raises:
        RegistryAway: A file is not on this machine, and the registry does not answer.
        ModelError: A file was changed or cannot be read.
        OtherFeatures: The champion was trained on other features than are made now.
    """
    fits = [_load(champion)]
    try:
        fits.append(_load(previous))
    except OtherFeatures:
        # Of before an upgrade: it could not predict, so there is nothing to return to.
        return None
    known = _unseen(model, feed, block, fits, now)
    if not len(known):
        return None
    champion_error, previous_error = (_error(fit, known) for fit in fits)
    return Comparison(len(known), champion_error, previous_error)


def _load(release: Release) -> Fit:
    return load_fit(fetch(release, get_settings().state / "models"), release)


def _error(fit: Fit, known: Dataset) -> float:
    return float(np.mean(np.abs(fit.estimator.predict(known.features) - known.target)))


def _unseen(
    model: LearnedModel, feed: Feed, block: Model, fits: list[Fit], now: datetime
) -> Dataset:
    """The rows of at most a week that follow the end of both trainings."""
    moment = as_moment(now)
    after = max(*(fit.end for fit in fits), moment - _LONGEST)
    begin = after.astype("datetime64[ms]").item()
    begin -= _LOOK_BACK[isinstance(model, StreamedModel)]
    names = tuple(dict.fromkeys((*model.inputs, block.target)))
    readings = read_between(feed, names, begin, now, sensor_numbers(feed, limit=SENSORS))
    delay = np.timedelta64(block.label_delay).astype("timedelta64[ms]")
    data = model.dataset(readings, block.target, delay)
    unseen = data.take(data.times > after).known_by(moment)
    if len(unseen) <= ROWS:
        return unseen
    return unseen.take(np.linspace(0, len(unseen) - 1, ROWS).astype(np.int64))
