"""Batches of turbines' readings made up from a seed, and a model trained on others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Engine, text

from tests.readings import accepted
from tests.unit.modelling.made_up import turbines
from tests.warehouse.test_store import batch, new_store
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.modelling.backtest import score
from vigie.modelling.gate import Champion as Fits
from vigie.modelling.nox import Nox
from vigie.modelling.readings import Numbers, Readings
from vigie.modelling.train import Fit, fit
from vigie.streaming.champion import Champion, FindChampion
from vigie.streaming.score import Scorer
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse.feed_tables import feed_tables

DELAY = np.timedelta64(24, "h")
MODEL = Nox()


def feed() -> Feed:
    return get_feed("gas_turbine")


@cache
def trained(seed: int = 7) -> Fit:
    """A fit of the real model, on turbines of its own."""
    history = MODEL.dataset(turbines(600, seed=seed, sensors=2), "nox", DELAY)
    return fit(MODEL, history.take(np.isfinite(history.target)))


def champion(version: int = 3, seed: int = 7) -> Champion:
    return Champion.of("nox", version, trained(seed).estimator)


def distinct(rows: int, *, seed: int, sensors: int = 3) -> Readings:
    """Made-up readings, of which no two have one identity."""
    made = turbines(rows, seed=seed, sensors=sensors)
    seen = list(zip(made.sensors, made.times, strict=True))
    first = [place for place, key in enumerate(seen) if key not in seen[:place]]
    return made.take(np.array(first))


def backtested(readings: Readings, seed: int = 7) -> Numbers:
    """What `vigie backtest` says of each of these rows."""
    fits = Fits(live=trained(seed), judged=trained(seed))
    data = MODEL.dataset(readings, "nox", DELAY)
    return score(fits, MODEL.correction(DELAY), data)


def scorer(find: FindChampion, of: Feed | None = None) -> Scorer:
    of = of or feed()
    predictions = feed_tables(of).prediction
    assert of.model is not None
    assert predictions is not None
    return Scorer(of, of.model, predictions, find)


def as_split(readings: Readings, of: Feed | None = None, first_offset: int = 0) -> Split:
    """The readings as a batch that passed every check."""
    of = of or feed()
    moments = readings.times.astype("datetime64[ms]").astype(object)
    rows = [(str(s), at, 0) for s, at in zip(readings.sensors, moments, strict=True)]
    split = accepted(of, rows, first_offset=first_offset)
    table = split.accepted
    for name, values in readings.values.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, from_pandas=True))
    return Split(table, split.quarantined)


class Stream:
    """A stream whose driver scores; each `relaunch` begins anew from the warehouse."""

    def __init__(self, engine: Engine, find: FindChampion, of: Feed | None = None) -> None:
        self._engine, self._find, self._feed = engine, find, of or feed()
        self._launch = self._offset = 0
        self.store: Store
        self.relaunch()

    def relaunch(self) -> None:
        if self._launch:
            self.store.close()
        self._launch += 1
        of = scorer(self._find, self._feed)
        self.store = new_store(self._engine, self._feed, self._launch, scorer=of)

    def send(self, *batches: Readings) -> None:
        for readings in batches:
            begin = self._offset
            self._offset += len(readings)
            self.store.store(batch(as_split(readings, self._feed, begin), begin))

    def said(self) -> dict[tuple[str, np.datetime64], dict[str, Any]]:
        return said_by(self._engine)

    def predicted(self, readings: Readings) -> Numbers:
        """What was predicted of these rows; NaN where nothing was, or the row is not there."""
        said = self.said()
        nothing: dict[str, Any] = {}
        values = [said.get(key, nothing).get("predicted") for key in keys(readings)]
        return np.array([np.nan if value is None else value for value in values])

    def reasons(self, readings: Readings) -> list[str | None]:
        """The first word of each row's reason."""
        said = self.said()
        words = [said[key]["reason"] for key in keys(readings)]
        return [word and word.split(":")[0] for word in words]


def said_by(engine: Engine) -> dict[tuple[str, np.datetime64], dict[str, Any]]:
    """The report's rows by sensor and time."""
    query = text("SELECT * FROM report.nox_prediction")
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return {(row["sensor"], _moment(row["event_time"])): row for row in rows}


def keys(readings: Readings) -> list[tuple[str, np.datetime64]]:
    return [(str(s), at) for s, at in zip(readings.sensors, readings.times, strict=True)]


def cut(readings: Readings, places: Sequence[int]) -> list[Readings]:
    edges = [0, *sorted(places), len(readings)]
    return [readings.take(slice(b, e)) for b, e in pairwise(edges) if e > b]


def _moment(at: Any) -> np.datetime64:
    return np.datetime64(at.replace(tzinfo=None), "ms")
