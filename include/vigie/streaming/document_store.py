"""A feed's two collections of documents: where they are, their indexes, how the server fails.

`<feed>_reading` has a document per stored reading, `<feed>_latest` the newest one of each sensor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from pymongo import (
    ASCENDING,
    DESCENDING,
    GEOSPHERE,
    DeleteOne,
    MongoClient,
    ReplaceOne,
    WriteConcern,
)
from pymongo.collection import Collection
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    PyMongoError,
)

from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway, DocumentsError, SettingsError
from vigie.settings import get_settings

log = logging.getLogger(__name__)

Document = dict[str, Any]
Change = ReplaceOne[Document] | DeleteOne
R = TypeVar("R")

_DUPLICATE = 11000

_SECONDS_TO_FIND = 3
_SECONDS_TO_ANSWER = 25
"""Less than the 30 s after which the warehouse ends a transaction that stays silent."""
_SAFE = WriteConcern(w="majority", j=True)
"""Before the warehouse commits, the documents must survive the server's crash."""


def wants_documents(feed: Feed) -> bool:
    """Whether the feed's contract has the sink `documents`."""
    return "documents" in feed.sinks


class DocumentStore:
    """The collections of one feed."""

    def __init__(self, feed: Feed, url: str) -> None:
        self._feed = feed
        self._client = _client(url)
        database = self._client.get_default_database("vigie")
        self.readings: Collection[Document] = database.get_collection(
            f"{feed.name}_reading", write_concern=_SAFE
        )
        self.latest: Collection[Document] = database.get_collection(
            f"{feed.name}_latest", write_concern=_SAFE
        )

    def ask(self, question: Callable[[], R]) -> R:
        """Run what talks to the server, its errors turned into ours.

        Raises:
            DocumentsAway: It did not answer in time.
            DocumentsError: It refused.
        """
        try:
            return question()
        except ConnectionFailure as error:
            message = (
                f"{self._feed.name}: no document server answers: {_short(error)}; start it, or "
                "correct VIGIE_DOCUMENTS"
            )
            raise DocumentsAway(message) from error
        except PyMongoError as error:
            message = f"{self._feed.name}: the document server refused: {_short(error)}"
            raise DocumentsError(message) from error

    def require(self) -> None:
        """Return if the server answers.

        Raises:
            DocumentsAway: It does not.
        """
        self.ask(lambda: self._client.admin.command("ping"))

    def change(self, collection: Collection[Document], changes: Sequence[Change]) -> None:
        """Apply changes in any order; an upsert whose filter misses what is there does nothing.

        Raises:
            DocumentsAway: The server did not answer in time, or wrote, but not safely.
            DocumentsError: It refused.
        """
        if changes:
            self.skip_existing(lambda: collection.bulk_write(changes, ordered=False))

    def skip_existing(self, write: Callable[[], Any]) -> list[int]:
        """Run an unordered bulk write; returns which of its operations met an existing key.

        Raises:
            DocumentsAway: As `change`.
            DocumentsError: As `change`.
        """
        return self.ask(lambda: _duplicates(write))

    def ensure_indexes(self) -> None:
        """Make the indexes for device, time and position; name in the log what the server lacks.

        A server without an index is slow, not wrong.
        """
        by_time = [("event_time", ASCENDING)]
        by_sensor = [("sensor", ASCENDING), ("event_time", DESCENDING)]
        place: list[tuple[str, Any]] = [("position", GEOSPHERE)]
        wanted: list[tuple[Collection[Document], list[tuple[str, Any]]]] = [
            (self.readings, by_time),
            (self.readings, by_sensor),
            (self.latest, by_time),
        ]
        if self._feed.position:
            wanted += [(self.readings, place), (self.latest, place)]
        for collection, keys in wanted:
            self._ensure_index(collection, keys)

    def _ensure_index(self, collection: Collection[Document], keys: list[tuple[str, Any]]) -> None:
        try:
            self.ask(lambda: collection.create_index(keys))
        except DocumentsAway:
            raise
        except DocumentsError as error:
            log.warning("%s: no index on %s: %s", collection.name, [*dict(keys)], error)


def committed(ends: Iterable[tuple[str, int, int]]) -> Document:
    """The filter for documents of records below the ledger's ends (topic id, partition, end)."""
    parts = [
        {"topic_id": topic_id, "kafka_partition": part, "kafka_offset": {"$lt": end}}
        for topic_id, part, end in ends
    ]
    # Without a ledger no document counts.
    return {"$or": parts} if parts else {"topic_id": None}


def open_store(feed: Feed) -> DocumentStore | None:
    """The feed's documents; None where no server is set.

    Raises:
        SettingsError: VIGIE_DOCUMENTS is no such URL.
    """
    url = get_settings().documents
    return DocumentStore(feed, url) if url else None


@cache
def _client(url: str) -> MongoClient[Document]:
    try:
        return MongoClient(
            url,
            tz_aware=True,
            appname="vigie",
            serverSelectionTimeoutMS=_SECONDS_TO_FIND * 1000,
            connectTimeoutMS=_SECONDS_TO_FIND * 1000,
            socketTimeoutMS=_SECONDS_TO_ANSWER * 1000,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        message = f"VIGIE_DOCUMENTS: {error}; expected mongodb://host:port/database"
        raise SettingsError(message) from error


def _short(error: Exception) -> str:
    return str(error).partition(" (configured timeouts")[0][:300]


def _duplicates(write: Callable[[], Any]) -> list[int]:
    """Which operations met an existing key; other errors are raised."""
    try:
        write()
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        concern = error.details.get("writeConcernErrors")
        if concern:
            message = f"the document server wrote, but not safely: {concern}"
            raise DocumentsAway(message) from error
        if any(one["code"] != _DUPLICATE for one in failed):
            raise
        return [one["index"] for one in failed]
    return []
