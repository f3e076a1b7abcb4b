"""Stores forecasts: one per sensor and half hour, however often it is made."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
from sqlalchemy import select

from vigie.contract.feed import Feed
from vigie.errors import ModelError
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.unscored import NoForecast

_TIME = pa.timestamp("us", tz="UTC")
_KEY = ["sensor_id", "event_time"]
_KEYS = pa.schema([("sensor_id", pa.int32()), ("event_time", _TIME)])
_ROWS = pa.schema(
    [
        *_KEYS,
        ("value", pa.float64()),
        ("yesterday", pa.float64()),
        ("last_week", pa.float64()),
        ("model_version", pa.int32()),
        ("reason", pa.int16()),
        ("made_at", _TIME),
    ]
)


@dataclass(frozen=True)
class Stored:
    """What a run came to: rows written, sensors with a forecast, and those left out, by reason.

    `silent` sensors have no reading in the time that a forecast looks back on, and so no row.
    """

    day: datetime
    version: int
    written: int
    forecast: int
    left_out: dict[str, int]
    silent: int


def store_forecast(
    feed: Feed, name: str, said: pa.Table, day: datetime, version: int, *, sensors: int
) -> Stored:
    """Store what was said of the half hours of `day`, in one transaction.

    A half hour that has a forecast keeps it, whoever made it; a reason makes way for a forecast.

    Raises:
        ModelError: Another process stores forecasts of the model.
    """
    table = feed_tables(feed).forecast
    if table is None:
        raise ModelError(
            f"model {name}: the contract of {feed.name} does not say `scored: nightly`"
        )
    frame = said.to_pandas()
    frame["event_time"] = pd.to_datetime(frame["event_time"], utc=True)
    end = day + timedelta(days=1)
    warehouse = open_warehouse()
    warehouse.ensure_months(table, {day.astimezone(UTC).date(), end.astimezone(UTC).date()})
    with warehouse.hold(f"forecast {name}") as held, closing(warehouse.open_session()) as session:
        if not held:
            raise ModelError(f"model {name}: another process stores forecasts; try again later")
        t = table.c
        query = select(t.sensor_id, t.event_time, t.value.is_not(None))
        query = query.where(t.event_time > day, t.event_time <= end)
        there = session.read(query, _KEYS.append(pa.field("is_said", pa.bool_()))).to_pandas()
        there["event_time"] = pd.to_datetime(there["event_time"], utc=True)
        both = frame.merge(there, on=_KEY, how="left")
        is_new = both["is_said"].isna()
        better = both["is_said"].eq(False) & both["value"].notna()
        fresh = both[is_new | better].assign(model_version=version, made_at=day)
        session.remove(table, _arrow(both.loc[better, _KEY], _KEYS))
        session.append(table, _arrow(fresh, _ROWS))
        session.commit()
    return _summary(frame, day, version, len(fresh), sensors)


def _summary(
    frame: pd.DataFrame, day: datetime, version: int, written: int, sensors: int
) -> Stored:
    by_sensor = frame.groupby("sensor_id")
    said = by_sensor["value"].count() > 0
    why = by_sensor["reason"].first()[~said].value_counts()
    codes, counts = why.index.to_numpy(int), why.to_numpy(int)
    left_out = {NoForecast(c).words: int(n) for c, n in zip(codes, counts, strict=True)}
    return Stored(day, version, written, int(said.sum()), left_out, sensors - len(said))


def _arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
