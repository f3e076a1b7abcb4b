"""Do the documents of a feed agree with its stored readings, day by day?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, cast, func, select, true
from sqlalchemy.types import Numeric

from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway
from vigie.reconciliation.tiles import Partition
from vigie.streaming.document_store import DocumentStore, committed, open_store, wants_documents
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.moments import UtcDate

_DAYS_NAMED = 3
_EXAMPLES = 3

Sums = tuple[int, int, int]
"""Readings, sum of their offsets, sum of their partitions: other records give other sums."""


@dataclass(frozen=True)
class DocumentAccount:
    """What comparing gave: `faults`, and in `skipped` what was not compared, and why."""

    faults: tuple[str, ...] = ()
    skipped: str | None = None


def compare_documents(
    connection: Connection, feed: Feed, tiles: list[Partition]
) -> DocumentAccount:
    """Compare documents per event date with the readings of the connection's snapshot.

    Documents are written before their batch commits, so only those below the ledger's ends count:
    the others belong to a batch in hand, or are written again by the next one. A server that does
    not answer says nothing about the ledger: it is no fault. Nor is a day whose documents still
    follow a restatement, or did so meanwhile.
    """
    if not wants_documents(feed):
        return DocumentAccount()
    store = open_store(feed)
    if store is None:
        return DocumentAccount(skipped="documents not compared: VIGIE_DOCUMENTS is empty")
    try:
        return _compare(connection, feed, tiles, store)
    except DocumentsAway as error:
        return DocumentAccount(skipped=f"documents not compared: {error}")


def _compare(
    connection: Connection, feed: Feed, tiles: list[Partition], store: DocumentStore
) -> DocumentAccount:
    below = committed((p.topic_id, p.partition, p.end) for p in tiles)
    stored, kept = _stored_days(connection, feed), _document_days(store, below)
    zero = (0, 0, 0)
    wrong = {day for day in stored | kept if stored.get(day, zero) != kept.get(day, zero)}
    follow = wrong & _days_that_follow(connection, feed) if wrong else set()
    faults = []
    for number, day in enumerate(sorted(wrong - follow)):
        readings, documents = stored.get(day, zero)[0], kept.get(day, zero)[0]
        fault = f"{day}: {readings} readings stored, {documents} documents"
        if number < _DAYS_NAMED:
            fault += "".join(_differences(connection, feed, store, below, day))
        faults.append(fault)
    days = ", ".join(f"{day}" for day in sorted(follow))
    skipped = f"documents not compared of {days}: they follow a restatement" if days else None
    return DocumentAccount(tuple(faults), skipped)


def _days_that_follow(connection: Connection, feed: Feed) -> set[date]:
    """Days whose documents were due in the snapshot or are now, or that were restated since.

    Asked after the documents were looked at. By the rows, not by a time: a restatement has the
    time at which its transaction began.
    """
    t = core.restatement.c
    due = func.sum(case((t.documents_due == true(), 1), else_=0))
    query = select(t.event_date, func.count(), due).where(t.feed == feed.name)
    query = query.group_by(t.event_date)
    then = {tuple(row) for row in connection.execute(query)}
    with connection.engine.connect() as another:
        now = {tuple(row) for row in another.execute(query)}
    return {day for day, _, due in then | now if due} | {day for day, *_ in then ^ now}


def _stored_days(connection: Connection, feed: Feed) -> dict[date, Sums]:
    t = feed_tables(feed).reading.c
    day = UtcDate(t.event_time)
    columns = (t.kafka_offset, t.kafka_partition)
    offsets, partitions = (func.sum(cast(c, Numeric(38, 0))) for c in columns)
    query = select(day, func.count(), offsets, partitions).group_by(day)
    return {r[0]: (int(r[1]), int(r[2]), int(r[3])) for r in connection.execute(query)}


def _document_days(store: DocumentStore, below: dict[str, Any]) -> dict[date, Sums]:
    day = {"$dateToString": {"format": "%Y-%m-%d", "date": "$event_time"}}
    sums = {"n": {"$sum": 1}, "o": {"$sum": "$kafka_offset"}, "p": {"$sum": "$kafka_partition"}}
    pipeline = [{"$match": below}, {"$group": {"_id": day, **sums}}]
    found = store.ask(lambda: list(store.readings.aggregate(pipeline, allowDiskUse=True)))
    return {date.fromisoformat(g["_id"]): (int(g["n"]), int(g["o"]), int(g["p"])) for g in found}


def _differences(
    connection: Connection, feed: Feed, store: DocumentStore, below: dict[str, Any], day: date
) -> Iterator[str]:
    """Name some of a day's readings without a document, and documents without their reading."""
    begin = datetime.combine(day, datetime.min.time(), UTC)
    end = begin + timedelta(days=1)
    reading = feed_tables(feed).reading
    t, s = reading.c, core.sensor.c
    query = (
        select(s.sensor, t.event_time, t.kafka_partition, t.kafka_offset)
        .join_from(reading, core.sensor, s.sensor_id == t.sensor_id)
        .where(t.event_time >= begin, t.event_time < end)
    )
    rows = {(r[0], r[1].astimezone(UTC), r[2], r[3]) for r in connection.execute(query)}
    within = {"$and": [below, {"event_time": {"$gte": begin, "$lt": end}}]}
    wanted = {"sensor": 1, "event_time": 1, "kafka_partition": 1, "kafka_offset": 1}
    documents = {
        (d["sensor"], d["event_time"], d["kafka_partition"], d["kafka_offset"])
        for d in store.ask(lambda: list(store.readings.find(within, wanted)))
    }
    for word, found in (("missing", rows - documents), ("not stored", documents - rows)):
        for sensor, at, partition, offset in sorted(found)[:_EXAMPLES]:
            yield f"; {word}: {sensor} at {at:%H:%M:%S} (partition {partition}, offset {offset})"
