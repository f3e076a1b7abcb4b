"""A feed's fact tables, derived from its contract.

`<feed>_reading` holds one row per reading, `<feed>_pane` one per sensor and pane, `<feed>_hourly`
and `<feed>_daily` one per sensor and closed hour or day. A model that is scored in the stream has
`<model>_prediction`, with one row per reading; one that forecasts nightly has `<model>_forecast`,
with one row per sensor and half hour of the day ahead. Numbers and timestamps only: strings live in
schema `dim`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
)
from sqlalchemy.types import TypeEngine

from vigie.contract.feed import Feed
from vigie.warehouse.session import Merge
from vigie.warehouse.types import NUMBER, TIME

_TYPES: dict[str, TypeEngine[Any]] = {
    "float": NUMBER,
    "integer": BigInteger(),
    "boolean": Boolean(),
}
PANE_COUNTS = ("readings", "alerts", "warnings", "faults")
PANE_SUMMARY: dict[str, Merge] = {
    "n": "sum",
    "sum": "sum",
    "sumsq": "sum",
    "min": "min",
    "max": "max",
}
"""How each summary column of a field merges with the same column of another pane part."""
ROLL_UP_SUMMARY = ("n", "mean", "min", "max", "median", "p95")
"""The summary columns of a field in a roll-up; they do not merge."""


@dataclass(frozen=True)
class FeedTables:
    """The fact tables of a feed."""

    reading: Table
    pane: Table
    hourly: Table
    daily: Table
    prediction: Table | None
    forecast: Table | None

    @property
    def said(self) -> Table | None:
        """What the feed's model said, of readings or of half hours to come, if it has one."""
        return self.forecast if self.prediction is None else self.prediction

    def __iter__(self) -> Iterator[Table]:
        yield from (self.reading, self.pane, self.hourly, self.daily)
        if self.said is not None:
            yield self.said


_ROLLED = ("hourly", "daily")
_BATCH = "of the batch or restatement that stored it"
_ROWS = {
    "reading": "a reading of a sensor",
    "pane": "a sensor and pane: counts, and sums of each field that merge",
    "hourly": "a sensor and closed hour",
    "daily": "a sensor and closed day",
    "prediction": "a reading, with what the model said of it or why it said nothing",
    "forecast": "a sensor and half hour of the day ahead, with what the model said of it",
}
"""What one row of each table is."""
_KNOWN: dict[str, FeedTables] = {}
"""By the hash of the contract."""


def value_columns(feed: Feed) -> list[str]:
    """The columns of a reading that make two messages of one identity copies if all are equal."""
    position = ["latitude", "longitude"] if feed.position else []
    return [*feed.fields, *position, *(["status_id"] if feed.status else [])]


def must_be_a_number(table: str, column: str) -> bool:
    """Whether a field's column of a fact table is never null, whatever the readings lack."""
    kind, part = table.rpartition("_")[2], column.rpartition("_")[2]
    return PANE_SUMMARY.get(part) == "sum" if kind == "pane" else kind in _ROLLED and part == "n"


def feed_tables(feed: Feed) -> FeedTables:
    """The tables of a feed; columns stand in the contract's order."""
    # Building them takes milliseconds, which each batch would pay several times.
    known = _KNOWN.get(feed.hash)
    if known is None:
        known = _KNOWN[feed.hash] = _build(feed)
    return known


def _build(feed: Feed) -> FeedTables:
    metadata = MetaData()
    return FeedTables(
        reading=_partitioned(f"{feed.name}_reading", metadata, "event_time", _reading(feed)),
        pane=_partitioned(f"{feed.name}_pane", metadata, "pane_start", _pane(feed)),
        hourly=_partitioned(f"{feed.name}_hourly", metadata, "hour_start", _roll_up(feed)),
        daily=_partitioned(f"{feed.name}_daily", metadata, "day_start", _roll_up(feed)),
        prediction=_prediction_table(feed, metadata),
        forecast=_forecast_table(feed, metadata),
    )


def _prediction_table(feed: Feed, metadata: MetaData) -> Table | None:
    model = feed.scored_model
    if model is None:
        return None
    return _partitioned(f"{model.name}_prediction", metadata, "event_time", _prediction())


def _forecast_table(feed: Feed, metadata: MetaData) -> Table | None:
    model = feed.nightly_model
    if model is None:
        return None
    return _partitioned(f"{model.name}_forecast", metadata, "event_time", _forecast())


def _partitioned(name: str, metadata: MetaData, time: str, columns: Iterable[Column[Any]]) -> Table:
    _, _, kind = name.rpartition("_")
    table = Table(
        name,
        metadata,
        Column("sensor_id", Integer, primary_key=True, autoincrement=False),
        Column(time, TIME, primary_key=True),
        *columns,
        schema="fact",
        comment=_ROWS[kind],
        postgresql_partition_by=f"RANGE ({time})",
    )
    Index(f"{name}_{time}", table.c[time], postgresql_using="brin")
    return table


def _reading(feed: Feed) -> Iterator[Column[Any]]:
    for name, field in feed.fields.items():
        yield Column(name, _TYPES[field.type])
    if feed.position:
        yield Column("latitude", NUMBER)
        yield Column("longitude", NUMBER)
    if feed.status:
        yield Column("status_id", Integer)
    yield Column("is_late", Boolean, nullable=False, comment="longer on its way than `late_after`")
    yield Column("kafka_partition", Integer, nullable=False)
    yield Column("kafka_offset", BigInteger, nullable=False)
    yield Column("batch_no", BigInteger, nullable=False, comment=_BATCH)


def _pane(feed: Feed) -> Iterator[Column[Any]]:
    for count in PANE_COUNTS:
        yield Column(count, BigInteger, nullable=False)
    for name in feed.fields:
        for part, merge in PANE_SUMMARY.items():
            kind = BigInteger() if part == "n" else NUMBER
            yield Column(f"{name}_{part}", kind, nullable=merge != "sum")


def _prediction() -> Iterator[Column[Any]]:
    yield Column("value", NUMBER, comment="predicted: `base`, corrected by known errors")
    yield Column("base", NUMBER, comment="what the estimator said")
    yield Column("model_version", Integer)
    yield Column("reason", SmallInteger, comment="why there is no value")
    yield Column("batch_no", BigInteger, nullable=False, comment=_BATCH)


def _forecast() -> Iterator[Column[Any]]:
    yield Column("value", NUMBER, comment="the forecast")
    yield Column("yesterday", NUMBER, comment="measured a day before")
    yield Column("last_week", NUMBER, comment="measured a week before")
    yield Column("model_version", Integer, nullable=False)
    yield Column("reason", SmallInteger, comment="why there is no value")
    yield Column("made_at", TIME, nullable=False, comment="an event time")


def _roll_up(feed: Feed) -> Iterator[Column[Any]]:
    for count in PANE_COUNTS:
        yield Column(count, BigInteger, nullable=False)
    for name in feed.fields:
        yield Column(f"{name}_n", BigInteger, nullable=False)
        for part in ROLL_UP_SUMMARY[1:]:
            yield Column(f"{name}_{part}", NUMBER)
