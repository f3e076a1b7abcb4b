"""A feed's two collections of documents: where they are, their indexes, how the server fails.

`<feed>_reading` has a document per stored reading, `<feed>_latest` the newest one of each sensor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, GEOSPHERE, MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, PyMongoError

from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway, DocumentsError, SettingsError
from vigie.settings import get_settings

log = logging.getLogger(__name__)

Document = dict[str, Any]
R = TypeVar("R")

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
