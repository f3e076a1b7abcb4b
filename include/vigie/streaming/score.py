"""Scores the stored readings of a batch, in its transaction, with the champion of this moment.

A reading is scored if it is newer than all of its sensor's before it, so that the features can be
made from those before, as in training; one that comes from behind has no prediction. Whatever is
wrong with a model becomes a reason beside the reading: scoring fails no batch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlalchemy import Table, literal, select

from vigie.contract.feed import Feed, Model
from vigie.errors import WarehouseError
from vigie.modelling.correction import Changes
from vigie.modelling.readings import Numbers, Places
from vigie.streaming.as_arrays import readings_of, sensors_of
from vigie.streaming.champion import Champion, FindChampion
from vigie.streaming.memory import Memory
from vigie.streaming.newest import newer_rows
from vigie.streaming.recall import Reread
from vigie.streaming.said import NONE, Reasons, Said
from vigie.warehouse.session import Session
from vigie.warehouse.unscored import Unscored

if TYPE_CHECKING:
    # It brings scikit-learn, which only the drivers of feeds with a model need.
    from vigie.modelling.learned import StreamedModel

log = logging.getLogger(__name__)

AT_ONCE = 4096
"""Rows predicted in one call; between two of them the transaction says that it lives."""


@dataclass(frozen=True)
class Scored:
    """Rows of the table of predictions, one per stored reading, and what to remember then."""

    rows: pa.Table
    after: Mapping[str, Numbers] = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)
    forgotten: Sequence[str] = ()

    def remember(self, memory: Memory) -> None:
        """Take it into the driver's memory, after the commit."""
        memory.recall.advance(self.after, self.changes)
        memory.recall.forget(self.forgotten)


@dataclass(frozen=True)
class _Live:
    """The readings of a batch that go on where their sensor was: where they stand, and they."""

    places: Places
    rows: pa.Table
    sensors: Mapping[str, int]


class Scorer:
    """Scores the readings of one feed by what `find_champion` gives at each batch."""

    def __init__(
        self, feed: Feed, block: Model, predictions: Table, find_champion: FindChampion
    ) -> None:
        self._feed, self._block, self.predictions = feed, block, predictions
        self._find = find_champion
        self._told: set[tuple[int, str]] = set()

    def score(self, session: Session, stored: pa.Table, memory: Memory) -> Scored:
        """Score the readings that a batch stores, before they are written.

        Args:
            session: In the batch's transaction; what is not known of a sensor yet is read by it.
            stored: Fresh readings, each sensor's in order of offset, with its name and number.
            memory: As the last commit left it; only sensors not known yet are added.

        Raises:
            TransientError: The warehouse failed, which is no matter of the model.
        """
        said, live = Said(stored), _live(stored, memory)
        champion = self._find_champion()
        if isinstance(champion, Unscored):
            said.put(live.places, reason=champion)
            # Nothing is followed without a model: it is read again once there is one.
            return Scored(said.rows(), forgotten=[*live.sensors])
        try:
            return self._predicted(session, champion, live, memory, said)
        except WarehouseError:
            raise
        except Exception as error:
            self._tell(champion, error)
            said.put(live.places, reason=Unscored.FAILED)
            return Scored(said.rows(), forgotten=[*live.sensors])

    def _predicted(
        self, session: Session, champion: Champion, live: _Live, memory: Memory, said: Said
    ) -> Scored:
        model, target, recall = champion.model, self._block.target, memory.recall
        self._read_unknown(session, model, live.sensors, memory)
        readings = readings_of(live.rows, live.sensors, self._feed, (*model.inputs, target))
        known = {name: recall.rows[name] for name in live.sensors if name in recall.rows}
        features, after = model.features(known, readings)
        base, reason = self._predict(session, champion, features)
        value: Numbers = base
        changes: Changes = {}
        if recall.correction is not None:
            columns = (readings.sensors, readings.times, base, readings.values[target])
            value, changes = recall.correction.preview(*columns)
        said.put(live.places, value=value, base=base, reason=reason, version=champion.version)
        return Scored(said.rows(), after, changes)

    def _find_champion(self) -> Champion | Unscored:
        champion = self._find()
        if isinstance(champion, Champion) and {*champion.model.inputs} - self._feed.fields.keys():
            return Unscored.WRONG_FEATURES
        return champion

    def _read_unknown(
        self, session: Session, model: StreamedModel, sensors: Mapping[str, int], memory: Memory
    ) -> None:
        """Read the sensors that have readings, of which nothing is remembered."""
        recall, delay = memory.recall, self._block.label_delay
        if recall.correction is None:
            recall.correction = model.correction(np.timedelta64(delay))
        unknown = [name for name in sensors if name not in recall.rows]
        seen = memory.have_readings(np.array([sensors[name] for name in unknown], np.int32))
        if not seen.any():
            return
        reread = Reread(session, self._feed, self.predictions, self._block.target)
        for name in (name for name, known in zip(unknown, seen, strict=True) if known):
            rows, newest = reread.rows(sensors[name], model.remembered, model.depth)
            if recall.correction is not None and newest is not None:
                depth = recall.correction.depth
                columns = reread.residuals(sensors[name], newest, delay, depth)
                recall.correction.restore(name, *columns)
            recall.rows[name] = rows

    def _predict(
        self, session: Session, champion: Champion, features: Numbers
    ) -> tuple[Numbers, Reasons]:
        base = np.full(len(features), np.nan)
        reason = np.full(len(features), NONE, np.int16)
        for begin in range(0, len(features), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            if begin:
                # An open transaction that stays silent is ended by the database.
                session.run(select(literal(1)))
            base[part], reason[part] = self._say(champion, features[part])
        return base, reason

    def _say(self, champion: Champion, features: Numbers) -> tuple[Numbers, Reasons]:
        base = np.full(len(features), np.nan)
        reason = np.full(len(features), NONE, np.int16)
        missing = np.isnan(features)
        try:
            try:
                base[:] = champion.estimator.predict(features)
            except Exception:
                if not missing.any():
                    raise
                # If it can say something of other numbers in their place, it needs them.
                base[:] = champion.estimator.predict(np.where(missing, 0.0, features))
                reason[missing.any(axis=1)] = Unscored.MISSING_INPUT
        except Exception as error:
            self._tell(champion, error)
        reason[(reason == NONE) & ~np.isfinite(base)] = Unscored.FAILED
        return np.where(reason == NONE, base, np.nan), reason

    def _tell(self, champion: Champion, error: Exception) -> None:
        """Say once what a model cannot do, not at every batch."""
        what = (champion.version, type(error).__name__)
        if what not in self._told:
            self._told.add(what)
            log.error(
                "%s: model %s version %d failed; readings are stored without its predictions",
                *(self._feed.name, self._block.name, champion.version),
                exc_info=error,
            )


def _live(stored: pa.Table, memory: Memory) -> _Live:
    every = np.arange(stored.num_rows)
    places = newer_rows(stored, every, memory)
    rows = stored if np.array_equal(places, every) else stored.take(places)
    return _Live(places, rows, sensors_of(rows))
