"""A warehouse with simulated readings, stored as a stream stores them, without Spark."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine, delete, insert, select

from tests.warehouse.test_store import batch, new_store
from vigie.contract.feed import Condition, Feed
from vigie.simulator.model import make_model
from vigie.simulator.readings import sensor_name
from vigie.streaming.flag import flag_column
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse.core import model_error, model_event, model_version
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables

_TIME = pa.timestamp("us", tz="UTC")
_ARROW = {"float": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
_KEYS = ("kafka_partition", "kafka_offset", "append_time", "sensor", "event_time")
_ROWS = 100_000


@dataclass
class Filling:
    """Readings of one feed, given to its warehouse batch by batch."""

    engine: Engine
    feed: Feed
    sensors: int
    stored: int = 0
    _store: Store = field(init=False)

    def __post_init__(self) -> None:
        self._store = new_store(self.engine, self.feed)

    def history(self, begin: datetime, end: datetime, every: timedelta) -> pd.DataFrame:
        """Store a reading of every sensor at each step after `begin`, up to `end`; returns them."""
        moments = [begin + step * every for step in range(1, (end - begin) // every + 1)]
        at_once = max(_ROWS // self.sensors, 1)
        parts = [self._put(moments[i : i + at_once]) for i in range(0, len(moments), at_once)]
        return pd.concat(parts, ignore_index=True)

    def now(self, at: datetime, **values: float | list[float]) -> None:
        """Store a reading of every sensor at one moment, with some values as given."""
        self._put([at], **values)

    def close(self) -> None:
        """End its session."""
        self._store.close()

    def _put(self, moments: list[datetime], **values: float | list[float]) -> pd.DataFrame:
        frame = _simulated(self.feed, self.sensors, moments).assign(**values)
        split = _split(self.feed, frame, first=self.stored)
        self._store.store(batch(split, begin=self.stored))
        self.stored += len(frame)
        return frame


def _simulated(feed: Feed, sensors: int, moments: list[datetime]) -> pd.DataFrame:
    number = np.tile(np.arange(sensors), len(moments))
    at = np.repeat(np.array([moment.timestamp() for moment in moments]), sensors)
    values = make_model(feed, seed=1).values(number, at)
    names = np.array([sensor_name(feed, sensor) for sensor in range(sensors)])
    columns = {
        "sensor": names[number],
        "event_time": pd.to_datetime((at * 1000).round(), unit="ms", utc=True),
    }
    columns |= {name: np.broadcast_to(values[name], len(at)) for name in values}
    return pd.DataFrame(columns)


def _split(feed: Feed, frame: pd.DataFrame, *, first: int) -> Split:
    rows = len(frame)
    at = pa.array(frame["event_time"]).cast(_TIME)
    columns = {
        "kafka_partition": pa.array(np.zeros(rows, np.int32)),
        "kafka_offset": pa.array(np.arange(first, first + rows)),
        "append_time": at,
        "sensor": pa.array(frame["sensor"]),
        "event_time": at,
    }
    for name, each in feed.fields.items():
        columns[name] = pa.array(frame[name], _ARROW[each.type], from_pandas=True)
    if feed.position:
        columns["latitude"] = pa.array(frame["latitude"], pa.float64())
        columns["longitude"] = pa.array(frame["longitude"], pa.float64())
    if feed.status:
        columns["status"] = pa.array(frame["status"], pa.string())
    columns["is_late"] = pa.array(np.zeros(rows, bool))
    for rule, alert in feed.alerts.items():
        columns[flag_column(rule)] = pa.array(holds(alert.when, frame))
    accepted = pa.table(columns)
    failed = accepted.slice(0, 0).select(list(_KEYS))
    return Split(accepted, failed.append_column("reason", pa.array([], pa.string())))


def holds(when: Condition, frame: pd.DataFrame) -> np.ndarray:
    """Which readings a rule flags."""
    values = frame[when.field].astype(float)
    if when.above is not None:
        return (values > when.above).to_numpy()
    if when.below is not None:
        return (values < when.below).to_numpy()
    return (values == float(when.equals or 0)).to_numpy()


def say(engine: Engine, feed: Feed) -> None:
    """What a model that says too much would have said of the readings, and its errors by day."""
    model, tables = feed.model, feed_tables(feed)
    if model is None or tables.said is None:
        return
    r = tables.reading.c
    with engine.begin() as connection:
        rows = connection.execute(select(r.sensor_id, r.event_time, r[model.target])).all()
        connection.execute(delete(tables.said))
    wobble = np.sin(np.arange(len(rows)) / 7).tolist()
    made = [
        {"sensor_id": number, "event_time": at, "value": value * (1.03 + 0.05 * w)}
        | ({"version": 1} if at < rows[len(rows) // 2].event_time else {"version": 2})
        for (number, at, value), w in zip(rows, wobble, strict=True)
    ]
    for row in made:
        row["model_version"] = row.pop("version")
        value = row["value"]
        row |= (
            {"base": value, "batch_no": 1}
            if tables.prediction is not None
            else {"yesterday": value * 1.1, "last_week": value * 0.8, "made_at": row["event_time"]}
        )
    days = {row["event_time"].date() for row in made}
    open_warehouse(engine).ensure_months(tables.said, days)
    with engine.begin() as connection:
        connection.execute(insert(tables.said), made)
        version = {"model": model.name, "run_id": "r", "sha256": "s", "judged_sha256": "j"}
        trained = {"trained_begin": min(r["event_time"] for r in made), "trained_rows": 10}
        for number in (1, 2):
            row = version | trained | {"version": number, "trained_end": made[-1]["event_time"]}
            connection.execute(insert(model_version).values(row))
        told = {"model": model.name, "kind": "promoted", "reason": "it is better", "person": "me"}
        connection.execute(insert(model_event).values(told | {"version": 2}))
        connection.execute(
            insert(model_error),
            [
                {"model": model.name, "event_date": day, "version": 1 + (i > len(days) // 2)}
                | {"predictions": 10, "absolute": 5.0 + i % 7, "squared": 9.0, "signed": 1.0}
                for i, day in enumerate(sorted(days))
            ],
        )
