"""Documents follow a restatement: those of its days become what the warehouse holds.

Not the differences are applied, which a kill would forget, but the state of a snapshot. Documents
of records behind the ledger's ends belong to a batch in hand and are left alone. What is below them
changes by restatements only, one at a time, so the running driver writes none of it: it meets those
readings as copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from pymongo import DeleteOne, ReplaceOne
from sqlalchemy import Connection, Engine, Select, Table, case, exists, false, func, select, true

from vigie.contract.feed import Feed
from vigie.restatement.stored import day_span, schema_of
from vigie.streaming.document_store import Document, DocumentStore, committed
from vigie.streaming.documents import Documents, to_documents
from vigie.streaming.flag import flag_column
from vigie.warehouse import core
from vigie.warehouse.engines import patient_snapshot
from vigie.warehouse.feed_tables import feed_tables

_STEP = timedelta(hours=1)
_EXACT = ("_id", "topic_id", "kafka_partition", "kafka_offset")
_UNTOLD = ("launch", "topic_id")
"""What a fact does not keep; it makes no difference."""


@dataclass(frozen=True)
class Followed:
    """How many documents were written or deleted, and last known states changed."""

    written: int
    deleted: int
    states: int


def follow(engine: Engine, feed: Feed, store: DocumentStore, days: Sequence[date]) -> Followed:
    """Make the documents of these days, and every last known state, what is stored.

    To be called by whoever holds the feed's restatement lock; doing it again changes nothing.

    Raises:
        DocumentsAway: The server did not answer in time; some documents may have followed.
    """
    store.require()
    with patient_snapshot(engine) as connection:
        stored = _Stored(connection, feed)
        documents = Documents(store, feed, stored.launch)
        written = deleted = 0
        for day in days:
            for begin in _steps(day):
                came, went = _differences(store, stored, begin)
                documents.replace(came)
                store.change(store.readings, [DeleteOne(_exactly(one)) for one in went])
                written, deleted = written + len(came), deleted + len(went)
        return Followed(written, deleted, _states(store, stored, documents))


class _Stored:
    """Readings of a snapshot, as documents."""

    def __init__(self, connection: Connection, feed: Feed) -> None:
        self._connection, self._feed = connection, feed
        t, f = core.ledger.c, core.fence.c
        query = (
            select(t.topic_id, t.kafka_partition, func.max(t.end_offset))
            .where(t.feed == feed.name)
            .group_by(t.topic_id, t.kafka_partition)
            .order_by(func.max(t.batch_no).desc())
        )
        # The newest topic first: of two that had an offset, the fact is most likely of that one.
        self.ends = [(row[0], row[1], row[2]) for row in connection.execute(query)]
        self.launch = int(connection.scalar(select(f.launch).where(f.feed == feed.name)) or 0)

    def holds(self, document: Document) -> bool:
        """Whether the document's record is one the ledger has."""
        place = (document["topic_id"], document["kafka_partition"])
        return any(document["kafka_offset"] < end for *key, end in self.ends if (*key,) == place)

    def within(self, begin: datetime, end: datetime) -> dict[str, Document]:
        """The readings of a span, by `_id`."""
        reading = feed_tables(self._feed).reading
        query = _query(self._feed, reading).where(
            reading.c.event_time >= begin, reading.c.event_time < end
        )
        return self._documents(query)

    def newest(self) -> dict[str, Document]:
        """The newest reading of each sensor, by the sensor."""
        reading = feed_tables(self._feed).reading
        other = reading.alias("other").c
        newest = select(func.max(other.event_time)).where(
            other.sensor_id == core.sensor.c.sensor_id
        )
        query = _query(self._feed, reading).where(
            reading.c.event_time == newest.correlate(core.sensor).scalar_subquery()
        )
        found = self._documents(query)
        return {one["sensor"]: one for one in found.values()}

    def _documents(self, query: Select[Any]) -> dict[str, Document]:
        rows = [dict(row) for row in self._connection.execute(query).mappings()]
        made = to_documents(pa.Table.from_pylist(rows, _schema(self._feed)), self._feed, "", 0)
        for one in made:
            one["topic_id"] = self._topic_of(one["kafka_partition"], one["kafka_offset"])
            one["launch"] = self.launch
        return {one["_id"]: one for one in made}

    def _topic_of(self, part: int, offset: int) -> str | None:
        topics = (topic for topic, p, end in self.ends if p == part and offset < end)
        return next(topics, None)


def _differences(
    store: DocumentStore, stored: _Stored, begin: datetime
) -> tuple[list[Document], list[Document]]:
    """Documents to write and to delete in one step of time."""
    end = begin + _STEP
    wanted = stored.within(begin, end)
    mine = {"event_time": {"$gte": begin, "$lt": end}}
    query = {"$and": [mine, committed(stored.ends)]}
    kept = {one["_id"]: one for one in store.ask(lambda: list(store.readings.find(query)))}
    came = [one for key, one in wanted.items() if not _same(one, kept.get(key))]
    return came, [one for key, one in kept.items() if key not in wanted]


def _states(store: DocumentStore, stored: _Stored, documents: Documents) -> int:
    wanted = stored.newest()
    known = {one["_id"]: one for one in store.ask(lambda: list(store.latest.find()))}
    changes = [*_state_changes(wanted, known, stored, documents)]
    store.change(store.latest, changes)
    return len(changes)


def _state_changes(
    wanted: Mapping[str, Document],
    known: Mapping[str, Document],
    stored: _Stored,
    documents: Documents,
) -> Iterator[ReplaceOne[Document] | DeleteOne]:
    for sensor, newest in wanted.items():
        state = known.get(sensor)
        if state is None or state["event_time"] <= newest["event_time"]:
            if not _same(newest | {"_id": sensor}, state):
                yield documents.as_state(newest)
        elif stored.holds(state):
            # The reading it showed is stored no more.
            yield ReplaceOne(_exactly(state), newest | {"_id": sensor})
    for sensor, state in known.items():
        if sensor not in wanted and stored.holds(state):
            yield DeleteOne(_exactly(state))


def _same(wanted: Document, found: Document | None) -> bool:
    if found is None:
        return False
    return all(
        wanted.get(name) == found.get(name)
        for name in wanted.keys() | found.keys()
        if name not in _UNTOLD
    )


def _exactly(document: Document) -> Document:
    return {name: document[name] for name in _EXACT}


def _steps(day: date) -> Iterator[datetime]:
    begin, end = day_span(day)
    while begin < end:
        yield begin
        begin += _STEP


def _query(feed: Feed, source: Table) -> Select[Any]:
    """Readings of `source` with words for numbers, and a column per alert rule."""
    a, r = core.alert.c, core.rule.c
    query = select(core.sensor.c.sensor, source).join_from(
        core.sensor, source, core.sensor.c.sensor_id == source.c.sensor_id
    )
    if feed.status:
        same = core.status.c.status_id == source.c.status_id
        query = query.add_columns(core.status.c.status).outerjoin(core.status, same)
    for name in feed.alerts:
        raised = exists().where(
            *(a.rule_id == r.rule_id, r.feed == feed.name, r.rule == name),
            *(a.sensor_id == source.c.sensor_id, a.event_time == source.c.event_time),
        )
        query = query.add_columns(case((raised, true()), else_=false()).label(flag_column(name)))
    return query.where(core.sensor.c.feed == feed.name)


def _schema(feed: Feed) -> pa.Schema:
    words = [("sensor", pa.string()), *([("status", pa.string())] if feed.status else [])]
    flags = [(flag_column(name), pa.bool_()) for name in feed.alerts]
    columns = [(one.name, one.type) for one in schema_of(feed_tables(feed).reading)]
    return pa.schema([*words, *columns, *flags])
