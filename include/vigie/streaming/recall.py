"""What a driver remembers of each sensor to score its readings.

All of it can be read again from the warehouse, which is done when a sensor first comes: its newest
readings, which give the features to the bit, and its newest residuals, which give the correction to
the last digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from sqlalchemy import Select, Table, and_, or_, select

from vigie.contract.feed import Feed
from vigie.modelling.correction import Changes, Correction
from vigie.modelling.readings import Numbers, Times
from vigie.streaming.as_arrays import numbers
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Session
from vigie.warehouse.unscored import Unscored

_TIME = pa.timestamp("us", tz="UTC")
_TYPES = {"float": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}


@dataclass
class Recall:
    """By the sensor's name; changed only after a commit, or from what is committed."""

    rows: dict[str, Numbers] = field(default_factory=dict)
    correction: Correction | None = None

    def advance(self, rows: Mapping[str, Numbers], changes: Changes) -> None:
        """Remember what a batch brought."""
        self.rows |= rows
        if self.correction is not None:
            self.correction.advance(changes)

    def forget(self, sensors: Sequence[str]) -> None:
        """Forget sensors, which are read again when they are needed."""
        for name in sensors:
            self.rows.pop(name, None)


class Reread:
    """Reads a feed's sensors from the warehouse; ends no transaction."""

    def __init__(self, session: Session, feed: Feed, predictions: Table, target: str) -> None:
        self._session, self._feed, self._target = session, feed, target
        self._reading, self._prediction = feed_tables(feed).reading, predictions

    def rows(
        self, sensor_id: int, fields: Sequence[str], depth: int
    ) -> tuple[Numbers, datetime | None]:
        """The sensor's newest readings but those that were late, oldest first, and the last's time.

        A driver that ran on would remember the same, but for what a restatement changed.
        """
        r, p = self._reading.c, self._prediction.c
        same = and_(p.sensor_id == r.sensor_id, p.event_time == r.event_time)
        query = (
            select(r.event_time, *(r[name] for name in fields))
            .select_from(self._reading.outerjoin(self._prediction, same))
            .where(r.sensor_id == sensor_id)
            .where(or_(p.reason.is_(None), p.reason != Unscored.LATE.value))
            .order_by(r.event_time.desc())
            .limit(depth)
        )
        schema = {"event_time": _TIME}
        schema |= {name: _TYPES[self._feed.fields[name].type] for name in fields}
        found = self._session.read(query, pa.schema(schema))
        columns = [numbers(found[name], self._feed.fields[name]) for name in fields]
        newest = found["event_time"][0].as_py() if found.num_rows else None
        return np.column_stack(columns)[::-1], newest

    def residuals(
        self, sensor_id: int, newest: datetime, delay: timedelta, depth: int
    ) -> tuple[Times, Numbers, Numbers]:
        """Times, what the estimator said, and what was true, oldest first; `depth` are known."""
        known = newest - delay
        time = self._prediction.c.event_time
        pairs = self._pairs(sensor_id)
        earlier = self._session.read(pairs.where(time <= known).limit(depth), self._schema())
        later = self._session.read(pairs.where(time > known), self._schema())
        found = pa.concat_tables([later, earlier])
        times = found["event_time"].cast(pa.timestamp("ms")).to_numpy()
        return times[::-1], found["base"].to_numpy()[::-1], self._actual(found)[::-1]

    def _pairs(self, sensor_id: int) -> Select[tuple[datetime, float, float]]:
        """Predictions of which the true value is stored, newest first."""
        r, p = self._reading.c, self._prediction.c
        same = and_(p.sensor_id == r.sensor_id, p.event_time == r.event_time)
        return (
            select(p.event_time, p.base, r[self._target])
            .select_from(self._prediction.join(self._reading, same))
            .where(p.sensor_id == sensor_id, p.base.is_not(None), r[self._target].is_not(None))
            .order_by(p.event_time.desc())
        )

    def _schema(self) -> pa.Schema:
        target = _TYPES[self._feed.fields[self._target].type]
        return pa.schema({"event_time": _TIME, "base": pa.float64(), self._target: target})

    def _actual(self, found: pa.Table) -> Numbers:
        actual: Numbers = found[self._target].cast(pa.float64(), safe=False).to_numpy()
        return actual
