"""Keeps stored readings as documents too, for feeds whose contract says `sinks: [documents]`.

Written as the last step before the warehouse commits, while the batch holds the fence row: exactly
the rows the transaction stores, no copy and no conflicting copy among them. That is what decides
which record of an identity wins, so the documents decide nothing themselves:

- Nothing there yet, the usual case: insert.
- Something there: since the warehouse has no such reading (else it would be a copy here), it is
  what an attempt left whose transaction failed. The next launch may cut its batches otherwise, and
  where two partitions hold records of one identity, another record may come first: so the left-over
  is replaced. Inserting only what is absent ($setOnInsert) would keep a record that the warehouse
  has in quarantine.
- Something there of a newer launch: this driver was superseded and does not know it yet (frozen,
  say, between fence and commit). It may not touch it. The launch number is the fence on this side.

The last known state follows the same rules, and moves only to a newer event time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pymongo import ReplaceOne

from vigie.contract.feed import Feed
from vigie.streaming.document_store import Document, DocumentStore, open_store, wants_documents
from vigie.streaming.flag import flag_column

log = logging.getLogger(__name__)

_CHUNK = 2000


class Documents:
    """One launch's way into the documents of its feed."""

    def __init__(self, store: DocumentStore, feed: Feed, launch: int) -> None:
        self._store, self._feed, self._launch = store, feed, launch
        self._indexed = False

    def require(self) -> None:
        """Return if the server answers; the first time, with its indexes made.

        Raises:
            DocumentsAway: It does not.
        """
        self._store.require()
        if not self._indexed:
            self._store.ensure_indexes()
            self._indexed = True

    def write(self, stored: pa.Table, topic_id: str) -> Iterator[int]:
        """Write the documents of a batch; yields after each step how many it wrote.

        Args:
            stored: The readings the batch stores, with sensor and status as words.
            topic_id: The topic they came from.

        Raises:
            DocumentsAway: The server did not answer in time; writing all again is safe.
        """
        for start in range(0, stored.num_rows, _CHUNK):
            chunk = to_documents(stored.slice(start, _CHUNK), self._feed, topic_id, self._launch)
            self._write_readings(chunk)
            yield len(chunk)
        newest = to_documents(_newest(stored), self._feed, topic_id, self._launch)
        for start in range(0, len(newest), _CHUNK):
            chunk = newest[start : start + _CHUNK]
            changes = [self.as_state(document) for document in chunk]
            self._store.change(self._store.latest, changes)
            yield len(chunk)

    def replace(self, documents: Sequence[Document]) -> None:
        """Put documents of stored readings in the place of what no newer launch wrote there."""
        # Deleted together and inserted: one replacement each, with a filter of key and launch,
        # makes a server that has no plan for such a filter read the whole collection each time.
        readings = self._store.readings
        for start in range(0, len(documents), _CHUNK):
            chunk = documents[start : start + _CHUNK]
            keys = [document["_id"] for document in chunk]
            mine = {"_id": {"$in": keys}, "launch": {"$lte": self._launch}}
            self._store.ask(partial(readings.delete_many, mine))
            self._store.skip_existing(partial(readings.insert_many, chunk, ordered=False))

    def _write_readings(self, documents: Sequence[Document]) -> None:
        readings = self._store.readings
        there = self._store.skip_existing(lambda: readings.insert_many(documents, ordered=False))
        self.replace([documents[number] for number in there])

    def as_state(self, document: Document) -> ReplaceOne[Document]:
        """The change that makes a document its sensor's state, unless that is newer."""
        measured = document["event_time"]
        older = [
            {"event_time": {"$lt": measured}},
            {"event_time": measured, "launch": {"$lte": self._launch}},
        ]
        state = document | {"_id": document["sensor"]}
        return ReplaceOne({"_id": state["_id"], "$or": older}, state, upsert=True)


def open_documents(feed: Feed, launch: int) -> Documents | None:
    """The documents of a launch; None where the contract or the settings ask for none."""
    if not wants_documents(feed):
        return None
    store = open_store(feed)
    if store is None:
        log.warning(
            "%s: the contract asks for documents, but VIGIE_DOCUMENTS is empty: none are kept. "
            "Set it, then `vigie stream restart %s`",
            *(feed.name, feed.name),
        )
        return None
    return Documents(store, feed, launch)


def to_documents(rows: pa.Table, feed: Feed, topic_id: str, launch: int) -> list[Document]:
    """Readings as documents; measurements stand under `values`, absent where there is none."""
    times = rows["event_time"].cast(pa.timestamp("ms")).combine_chunks()
    texts = pc.binary_join_element_wise(pc.strftime(times, "%Y-%m-%dT%H:%M:%S"), "Z", "")
    ids = pc.binary_join_element_wise(rows["sensor"].combine_chunks(), texts, "|").to_pylist()
    flags = {rule: rows[flag_column(rule)].to_pylist() for rule in feed.alerts}
    values = rows.select([*feed.fields]).to_pylist()
    wanted = ["sensor", "event_time", "is_late", "kafka_partition", "kafka_offset"]
    wanted += ["status"] if feed.status else []
    wanted += ["latitude", "longitude"] if feed.position else []
    documents = []
    for number, row in enumerate(rows.select(wanted).to_pylist()):
        document: Document = {"_id": ids[number], **row, "topic_id": topic_id, "launch": launch}
        document["values"] = {k: v for k, v in values[number].items() if v is not None}
        raised = [rule for rule, flagged in flags.items() if flagged[number]]
        if raised:
            document["alerts"] = raised
        if feed.position:
            _place(document)
        documents.append(document)
    return documents


def _place(document: Document) -> None:
    """Turn the coordinates into a GeoJSON point."""
    latitude, longitude = document.pop("latitude"), document.pop("longitude")
    if latitude is not None and longitude is not None:
        document["position"] = {"type": "Point", "coordinates": [longitude, latitude]}


def _newest(stored: pa.Table) -> pa.Table:
    """The newest reading of each sensor; identities are distinct in `stored`."""
    if not stored.num_rows:
        return stored
    order = pc.sort_indices(stored, [("sensor", "ascending"), ("event_time", "ascending")])
    rows = stored.take(order)
    sensors = rows["sensor"].combine_chunks()
    last = pc.not_equal(sensors.slice(0, len(sensors) - 1), sensors.slice(1)).to_pylist()
    return rows.filter(pa.array([*last, True]))
