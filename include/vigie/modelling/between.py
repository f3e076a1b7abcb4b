"""Stored readings of some sensors between two event times, as models are given them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Double, Text, cast, select

from vigie.contract.feed import Feed
from vigie.modelling.readings import Readings
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables


def sensor_numbers(feed: Feed, *, limit: int | None = None) -> Sequence[int]:
    """The numbers of a feed's sensors, the first so many."""
    t = core.sensor.c
    query = select(t.sensor_id).where(t.feed == feed.name).order_by(t.sensor_id).limit(limit)
    with get_engine().connect() as connection:
        return connection.scalars(query).all()


def read_between(
    feed: Feed, fields: Sequence[str], begin: datetime, end: datetime, sensors: Sequence[int]
) -> Readings:
    """The readings of [begin, end] in the order of event time; sensors are named by their number.

    Times without a zone are UTC.
    """
    t = feed_tables(feed).reading.c
    query = (
        select(cast(t.sensor_id, Text), t.event_time, *(cast(t[name], Double) for name in fields))
        .where(t.sensor_id.in_(sensors))
        .where(t.event_time >= _utc(begin), t.event_time <= _utc(end))
    )
    columns = {"sensor": pa.string(), "event_time": pa.timestamp("us", tz="UTC")}
    schema = pa.schema(columns | dict.fromkeys(fields, pa.float64()))
    with closing(open_warehouse().open_session()) as session:
        return in_order(session.read(query, schema), fields)


def in_order(rows: pa.Table, fields: Sequence[str]) -> Readings:
    """Rows with `sensor`, `event_time` and some fields, in the order of event time."""
    ordered = rows.sort_by([("event_time", "ascending"), ("sensor", "ascending")])
    return Readings(
        ordered["sensor"].to_numpy().astype(str),
        ordered["event_time"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[ms]"),
        {name: ordered[name].to_numpy() for name in fields},
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
