"""What was predicted beside what was true, of the readings whose label is known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import Connection, Double, Select, Table, and_, cast, exists, select

from vigie.contract.feed import Feed, Model
from vigie.modelling.readings import Numbers, Times
from vigie.warehouse.core import model_version
from vigie.warehouse.feed_tables import feed_tables


def known_errors(
    connection: Connection, feed: Feed, block: Model, begin: datetime, end: datetime
) -> tuple[Numbers, Times]:
    """Absolute errors of the readings of [begin, end], and when each label became known (UTC)."""
    table = feed_tables(feed).said
    if table is None:
        return np.zeros(0), np.zeros(0, "datetime64[ms]")
    rows = connection.execute(labelled(feed, block, table, begin, end)).all()
    residuals = np.array([row.residual for row in rows], np.float64)
    times = np.array([as_moment(row.event_time) for row in rows], "datetime64[ms]")
    delay = np.timedelta64(block.label_delay).astype("timedelta64[ms]")
    return np.abs(residuals), times + delay


def labelled(
    feed: Feed, block: Model, table: Table, begin: datetime, end: datetime
) -> Select[tuple[datetime, int, float]]:
    """Event time, version and residual (predicted less true) of the readings of [begin, end].

    What a version was trained on says nothing of it: a forecast of the past, by a backfill, or a
    reading that came very late.
    """
    readings = feed_tables(feed).reading
    reading, said = readings.c, table.c
    same = and_(reading.sensor_id == said.sensor_id, reading.event_time == said.event_time)
    true = cast(reading[block.target], Double)
    known = model_version.c
    was_trained_on = exists().where(
        known.model == block.name,
        known.version == said.model_version,
        known.trained_end >= said.event_time,
    )
    return (
        select(said.event_time, said.model_version, (said.value - true).label("residual"))
        .join_from(table, readings, same)
        .where(said.event_time >= begin, said.event_time <= end)
        .where(reading.event_time >= begin, reading.event_time <= end)
        .where(said.value.is_not(None), reading[block.target].is_not(None))
        .where(~was_trained_on)
    )


def as_moment(at: datetime) -> np.datetime64:
    """A time with a zone as numpy has it: UTC, without saying so."""
    return np.datetime64(round(at.timestamp() * 1000), "ms")
