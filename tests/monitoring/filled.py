"""A warehouse with readings and predictions, put there without a stream."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, insert, select

from vigie.contract.feed import Feed
from vigie.modelling.readings import Numbers, Readings
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables

_TIME = pa.timestamp("us", tz="UTC")


def fill(
    engine: Engine,
    feed: Feed,
    readings: Readings,
    predicted: Numbers | None = None,
    *,
    version: int = 1,
) -> None:
    """Store readings, whose identities are new; NaN is null, also as a prediction."""
    warehouse, tables = open_warehouse(engine), feed_tables(feed)
    moments = [moment(at) for at in readings.times]
    days = Counter(at.date() for at in moments)
    for table in (tables.reading, tables.prediction):
        if table is not None:
            warehouse.ensure_months(table, days)
    numbers = _sensors(engine, feed, readings)
    keys = {"sensor_id": pa.array(numbers, pa.int32()), "event_time": pa.array(moments, _TIME)}
    rows = len(readings)
    fields = {
        name: pa.array(readings.values[name], pa.float64(), from_pandas=True)
        if name in readings.values
        else pa.nulls(rows, pa.float64())
        for name in feed.fields
    }
    rest = {
        "is_late": pa.array([False] * rows),
        "kafka_partition": pa.array([0] * rows, pa.int32()),
        "kafka_offset": pa.array(range(rows), pa.int64()),
        "batch_no": pa.array([1] * rows, pa.int64()),
    }
    session = warehouse.open_session()
    session.append(tables.reading, pa.table(keys | fields | rest))
    if predicted is not None and tables.prediction is not None:
        value = pa.array(predicted, pa.float64(), from_pandas=True)
        said = {
            "value": value,
            "base": value,
            "model_version": pa.array([version] * rows, pa.int32()),
            "reason": pc.if_else(value.is_valid(), None, pa.scalar(1, pa.int16())),
            "batch_no": rest["batch_no"],
        }
        session.append(tables.prediction, pa.table(keys | said))
    session.commit()
    session.close()
    _count(engine, feed, days, dict(zip(numbers, moments, strict=True)))


def moment(at: np.datetime64) -> datetime:
    found: datetime = at.astype("datetime64[ms]").item()
    return found.replace(tzinfo=UTC)


def _sensors(engine: Engine, feed: Feed, readings: Readings) -> list[int]:
    t = core.sensor.c
    with engine.begin() as connection:
        known = select(t.sensor, t.sensor_id).where(t.feed == feed.name)
        there = {row.sensor for row in connection.execute(known)}
        new = [{"feed": feed.name, "sensor": str(s)} for s in {*readings.sensors} - there]
        if new:
            connection.execute(insert(core.sensor), new)
        by_name = {row.sensor: row.sensor_id for row in connection.execute(known)}
    return [by_name[str(name)] for name in readings.sensors]


def _count(engine: Engine, feed: Feed, days: Counter, clocks: dict[int, datetime]) -> None:
    counts = [
        {"feed": feed.name, "event_date": day, "stored": n, "restated": 0, "expired": 0}
        for day, n in days.items()
    ]
    rows = [
        {"sensor_id": number, "feed": feed.name, "last_event_time": at}
        for number, at in clocks.items()
    ]
    session = open_warehouse(engine).open_session()
    session.upsert(
        core.day_count,
        pa.Table.from_pylist(counts, _schema(counts, "event_date", pa.date32())),
        {"stored": "sum"},
    )
    names = [("sensor_id", pa.int32()), ("feed", pa.string()), ("last_event_time", _TIME)]
    newest = pa.Table.from_pylist(rows, pa.schema(names))
    session.upsert(core.sensor_clock, newest, {"last_event_time": "max"})
    session.commit()
    session.close()


def _schema(rows: list[dict], time: str, kind: pa.DataType) -> pa.Schema:
    types = {str: pa.string(), int: pa.int64()}
    return pa.schema([(k, kind if k == time else types[type(v)]) for k, v in rows[0].items()])
