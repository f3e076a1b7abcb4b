"""Readings laid straight into the facts, as a stream would have left them."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pyarrow as pa
from sqlalchemy import insert, select

from vigie.contract.feed import Feed
from vigie.modelling.readings import Readings
from vigie.streaming.rows import clock_rows
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables


def store_readings(feed: Feed, readings: Readings) -> None:
    """Store readings of distinct sensor and time; fields they lack are null."""
    numbers = _numbers(feed, sorted(set(readings.sensors.tolist())))
    times = pa.array(readings.times.astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC"))
    columns = {
        "sensor_id": pa.array([numbers[name] for name in readings.sensors.tolist()], pa.int32()),
        "event_time": times,
        **{
            name: pa.array(values, pa.float64(), mask=np.isnan(values))
            for name, values in readings.values.items()
        },
        "is_late": pa.array([False] * len(readings)),
        "kafka_partition": pa.array([0] * len(readings), pa.int32()),
        "kafka_offset": pa.array(range(len(readings)), pa.int64()),
        "batch_no": pa.array([1] * len(readings), pa.int64()),
    }
    warehouse, table = open_warehouse(), feed_tables(feed).reading
    days = np.unique(readings.times.astype("datetime64[D]")).tolist()
    warehouse.ensure_months(table, days)
    with closing(warehouse.open_session()) as session:
        rows = pa.table(columns)
        session.append(table, rows)
        session.upsert(core.sensor_clock, clock_rows(rows, feed), {"last_event_time": "max"})
        session.commit()


def _numbers(feed: Feed, names: list[str]) -> dict[str, int]:
    with get_engine().begin() as connection:
        mine = select(core.sensor).where(core.sensor.c.feed == feed.name)
        known = {row.sensor: row.sensor_id for row in connection.execute(mine)}
        new = [{"feed": feed.name, "sensor": name} for name in names if name not in known]
        for row in new:
            added = insert(core.sensor).values(row).returning(core.sensor.c.sensor_id)
            known[row["sensor"]] = connection.execute(added).scalar_one()
    return known
