"""The stored readings a model is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from sqlalchemy import Double, Table, cast, select

from vigie.contract.feed import Feed, Model
from vigie.modelling.between import in_order
from vigie.modelling.learned import LearnedModel, StreamedModel
from vigie.modelling.readings import Readings
from vigie.modelling.train import HELD_BACK
from vigie.warehouse.core import sensor
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Session

_TIME = pa.timestamp("us", tz="UTC")


def read_training_history(model: LearnedModel, feed: Feed, block: Model, now: datetime) -> Readings:
    """The readings up to `now` that a training needs, in the order of event time.

    Of each sensor that is what lies in the week that judges, or later, and before it as many rows
    with a label as the model trains on, with those that their features look back on. A model that
    trains on all rows gets all.
    """
    reading = feed_tables(feed).reading
    names = list(dict.fromkeys((*model.inputs, block.target)))
    week = timedelta(seconds=int(HELD_BACK / np.timedelta64(1, "s")))
    judged_from = now - block.label_delay - week
    parts = []
    with closing(open_warehouse().open_session()) as session:
        known = select(sensor.c.sensor_id, sensor.c.sensor).where(sensor.c.feed == feed.name)
        for row in session.run(known):
            begin = None
            if model.rows is not None:
                before = model.rows + (model.depth if isinstance(model, StreamedModel) else 0)
                number = row["sensor_id"]
                begin = _begin(session, reading, block.target, number, judged_from, before)
            found = _read(session, reading, names, row["sensor_id"], begin, now)
            parts.append(found.append_column("sensor", pa.array([row["sensor"]] * len(found))))
    return _readings(parts, names)


def _begin(
    session: Session, reading: Table, target: str, number: int, until: datetime, rows: int
) -> datetime | None:
    """The event time of the labelled row that is `rows` before `until`; None if there are fewer."""
    at = reading.c.event_time
    labelled = reading.c[target].is_not(None)
    wanted = select(at).where(reading.c.sensor_id == number, at <= until, labelled)
    found = session.run(wanted.order_by(at.desc()).offset(rows - 1).limit(1))
    begin: datetime | None = found[0]["event_time"] if found else None
    return begin


def _read(
    session: Session,
    reading: Table,
    names: Sequence[str],
    number: int,
    begin: datetime | None,
    end: datetime,
) -> pa.Table:
    at = reading.c.event_time
    columns = [cast(reading.c[name], Double) for name in names]
    wanted = select(at, *columns).where(reading.c.sensor_id == number, at <= end)
    if begin is not None:
        wanted = wanted.where(at >= begin)
    schema = pa.schema([("event_time", _TIME), *((name, pa.float64()) for name in names)])
    return session.read(wanted, schema)


def _readings(parts: Sequence[pa.Table], names: Sequence[str]) -> Readings:
    rows = [part for part in parts if len(part)]
    if not rows:
        empty = np.empty(0)
        times = np.empty(0, "datetime64[ms]")
        return Readings(np.empty(0, str), times, {name: empty for name in names})
    return in_order(pa.concat_tables(rows), names)
