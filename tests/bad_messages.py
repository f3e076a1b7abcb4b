"""Messages with one thing wrong each, and the reason with which the stream refuses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.readings import message
from vigie.contract.feed import Feed

LONG = 2_000_000
"""Characters of a string that is small once compressed: it passes the topic's limit."""


class BadMessages:
    """Makes them for one feed; `kinds` has reason and maker, cheap ones only."""

    def __init__(self, feed: Feed, now: datetime) -> None:
        self._feed, self._now = feed, now
        self.number = next(f.path for f in feed.fields.values() if f.type == "float")
        raw, number = self.raw, self.number
        self.kinds: list[tuple[str, Callable[[], bytes]]] = [
            ("malformed", lambda: b"\xff\xfe not text"),
            ("malformed", lambda: b'{"cut off": '),
            ("malformed", lambda: b"[]"),
            ("malformed", lambda: raw(number, '"warm"')),
            ("malformed", lambda: raw(number, "NaN")),
            ("malformed", lambda: raw(number, "Infinity")),
            ("out_of_range", lambda: raw(number, "1e400")),
            ("out_of_range", lambda: raw(number, "-1e200")),
            ("malformed", lambda: raw(feed.sensor, '"nul\\u0000"')),
            ("malformed", lambda: raw(feed.sensor, "null")),
            ("malformed", lambda: raw(feed.event_time, '"noon"')),
            ("future", lambda: raw(feed.event_time, '"200000-01-01T00:00:00Z"')),
            ("future", lambda: raw(feed.event_time, json.dumps(self._later()))),
            ("expired", lambda: raw(feed.event_time, '"1999-12-31T00:00:00Z"')),
            ("empty", self._nothing_measured),
        ]

    def oversize(self) -> bytes:
        """A message longer than the contract allows."""
        return self.raw("unknown", json.dumps("x" * LONG))

    def raw(self, path: str, text: str) -> bytes:
        """A valid message but for the JSON text at one path."""
        made: dict[str, Any] = message(self._feed, sensor="mixed-bad", at=self._now)
        return json.dumps(made | {path: "@@"}).replace('"@@"', text).encode()

    def _later(self) -> str:
        return (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    def _nothing_measured(self) -> bytes:
        made = message(self._feed, sensor="mixed-empty", at=self._now)
        kept = (self._feed.sensor, self._feed.event_time)
        return json.dumps({k: v for k, v in made.items() if k in kept}).encode()


def is_json(value: bytes) -> bool:
    """Whether Python's own parser takes it."""
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
