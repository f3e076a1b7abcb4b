"""Messages that wait in quarantine, in pages, and what is left because its bytes were not kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Engine, and_, func, or_, select

from vigie.contract.feed import Feed
from vigie.restatement.coordinates import Coordinates, coordinates
from vigie.restatement.cut import Cut
from vigie.streaming.check import RAW_KEPT
from vigie.warehouse import core
from vigie.warehouse.session import Session

_t = core.quarantine.c
_KEY = (_t.topic_id, _t.kafka_partition, _t.kafka_offset)
_TIME = pa.timestamp("us", tz="UTC")
_TEXT = pa.string()
_COLUMNS = {
    **{"topic_id": _TEXT, "kafka_partition": pa.int32(), "kafka_offset": pa.int64()},
    **{"append_time": _TIME, "raw": pa.binary(), "raw_length": pa.int64(), "raw_sha256": _TEXT},
    **{"reason": _TEXT, "detail": _TEXT},
}
_BYTES = ("raw", "raw_length", "raw_sha256")


@dataclass(frozen=True)
class Chosen:
    """Which waiting messages; None is any. Times are those of entering quarantine."""

    reason: str | None = None
    sensor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Left:
    """Messages that cannot be judged again: longer than what is kept, or kept without bytes."""

    cut: int
    without_bytes: int


@dataclass(frozen=True)
class Page:
    """Waiting messages in order of their coordinates."""

    rows: pa.Table

    def records(self) -> pa.Table:
        """In the columns of Spark's Kafka source, with `topic_id`."""
        names = {"kafka_partition": "partition", "kafka_offset": "offset"}
        names |= {"append_time": "timestamp", "raw": "value", "topic_id": "topic_id"}
        return self.rows.select([*names]).rename_columns([*names.values()])

    def quarantine(self) -> dict[Coordinates, dict[str, Any]]:
        """What each row says so far."""
        told = self.rows.select(["reason", "detail"]).to_pylist()
        return {
            place: row | {"released_at": None}
            for place, row in zip(coordinates(self.rows), told, strict=True)
        }

    def with_bytes(self, quarantined: pa.Table) -> pa.Table:
        """Rows for quarantine with the bytes they have there; a conflicting copy brings none."""
        numbers = {place: number for number, place in enumerate(coordinates(self.rows))}
        kept = self.rows.take(pa.array([numbers[p] for p in coordinates(quarantined)], pa.int64()))
        for name in _BYTES:
            place = quarantined.column_names.index(name)
            quarantined = quarantined.set_column(place, name, kept[name])
        return quarantined


def pages(session: Session, feed: Feed, chosen: Chosen, cut: Cut, most: int) -> Iterator[Page]:
    """Read up to `most` messages after the other; each page ends the transaction it read in."""
    after: ColumnElement[bool] = _t.kafka_offset.is_not(None)
    whole = (_t.raw.is_not(None), _t.raw_length <= RAW_KEPT)
    while True:
        query = (
            select(*(_t[name] for name in _COLUMNS))
            .where(*_waiting(feed, chosen, cut), *whole, after)
            .order_by(*_KEY)
            .limit(most)
        )
        rows = session.read(query, pa.schema(_COLUMNS))
        session.commit()
        if rows.num_rows:
            yield Page(rows)
        if rows.num_rows < most:
            return
        after = _behind(coordinates(rows.slice(rows.num_rows - 1))[0])


def count_left(engine: Engine, feed: Feed, chosen: Chosen, cut: Cut) -> Left:
    """Count what no page has."""
    mine = select(func.count()).where(*_waiting(feed, chosen, cut))
    with engine.connect() as connection:
        return Left(
            cut=int(connection.scalar(mine.where(_t.raw_length > RAW_KEPT)) or 0),
            without_bytes=int(connection.scalar(mine.where(_t.raw.is_(None))) or 0),
        )


def _waiting(feed: Feed, chosen: Chosen, cut: Cut) -> Iterator[ColumnElement[bool]]:
    yield _t.feed == feed.name
    yield _t.released_at.is_(None)
    yield _t.batch_no <= cut.batch_no
    if chosen.reason is not None:
        yield _t.reason == chosen.reason
    if chosen.sensor is not None:
        yield _t.sensor == chosen.sensor
    if chosen.since is not None:
        yield _t.quarantined_at >= chosen.since
    if chosen.until is not None:
        yield _t.quarantined_at < chosen.until


def _behind(place: Coordinates) -> ColumnElement[bool]:
    topic_id, part, offset = place
    within = and_(_t.kafka_partition == part, _t.kafka_offset > offset)
    return or_(
        _t.topic_id > topic_id,
        and_(_t.topic_id == topic_id, or_(_t.kafka_partition > part, within)),
    )
