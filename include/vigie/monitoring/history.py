"""Stored readings of some sensors between two event times, as models are given them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Double, cast, select

from vigie.contract.feed import Feed
from vigie.modelling.readings import Readings
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables


def read_between(
    feed: Feed, names: Sequence[str], begin: datetime, end: datetime, *, sensors: int
) -> Readings:
    """The readings of [begin, end] in the order of event time, of the first so many sensors.

    Times without a zone are UTC.
    """
    reading, sensor = feed_tables(feed).reading, core.sensor
    chosen = (
        select(sensor.c.sensor_id, sensor.c.sensor)
        .where(sensor.c.feed == feed.name)
        .order_by(sensor.c.sensor_id)
        .limit(sensors)
        .subquery()
    )
    at = reading.c.event_time
    query = (
        select(chosen.c.sensor, at, *(cast(reading.c[name], Double) for name in names))
        .join_from(reading, chosen, chosen.c.sensor_id == reading.c.sensor_id)
        .where(at >= _utc(begin), at <= _utc(end))
    )
    schema = pa.schema(
        [
            ("sensor", pa.string()),
            ("event_time", pa.timestamp("us", tz="UTC")),
            *((name, pa.float64()) for name in names),
        ]
    )
    with closing(open_warehouse().open_session()) as session:
        found = session.read(query, schema)
    found = found.sort_by([("event_time", "ascending"), ("sensor", "ascending")])
    return Readings(
        found["sensor"].to_numpy().astype(str),
        found["event_time"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[ms]"),
        {name: found[name].to_numpy() for name in names},
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
