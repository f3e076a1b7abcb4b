"""Every kind of bad message at once: no batch fails, every message is accounted for."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local_stack import LocalStack
from tests.readings import message
from vigie.broker.producer import Sender, make_producer
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MESSAGES = 100_000
LONG = 2_000_000


class Mix:
    """A seeded mixture of messages, and what has to become of each."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.expected: Counter[str] = Counter()
        self._random = random.Random(7)
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._number = next(f.path for f in feed.fields.values() if f.type == "float")
        self._sent: list[dict[str, Any]] = []
        self._kinds: list[tuple[str, Callable[[], bytes]]] = [
            ("malformed", lambda: b"\xff\xfe not text"),
            ("malformed", lambda: b'{"cut off": '),
            ("malformed", lambda: b"[]"),
            ("malformed", lambda: self._raw(self._number, '"warm"')),
            ("malformed", lambda: self._raw(self._number, "NaN")),
            ("malformed", lambda: self._raw(self._number, "Infinity")),
            ("out_of_range", lambda: self._raw(self._number, "1e400")),
            ("out_of_range", lambda: self._raw(self._number, "-1e200")),
            ("malformed", lambda: self._raw(feed.sensor, '"nul\\u0000"')),
            ("malformed", lambda: self._raw(feed.sensor, "null")),
            ("malformed", lambda: self._raw(feed.event_time, '"noon"')),
            ("future", lambda: self._raw(feed.event_time, '"200000-01-01T00:00:00Z"')),
            ("future", lambda: self._raw(feed.event_time, json.dumps(self._later()))),
            ("expired", lambda: self._raw(feed.event_time, '"1999-12-31T00:00:00Z"')),
            ("empty", self._nothing_measured),
            ("stored", self._late),
            ("stored", self._with_unknown_fields),
            ("stored", self._with_a_key_twice),
            ("copies", lambda: json.dumps(self._random.choice(self._sent)).encode()),
            ("conflicting_copy", self._conflict),
        ]

    def next(self, number: int) -> bytes:
        """The message of this number: four of five are fine."""
        if number < 1000 or self._random.random() < 0.8:
            self.expected["stored"] += 1
            return json.dumps(self._fresh()).encode()
        if number % 20_000 == 0:
            self.expected["oversize"] += 1
            return self._raw("unknown", json.dumps("x" * LONG))
        reason, make = self._random.choice(self._kinds)
        self.expected[reason] += 1
        return make()

    def _fresh(self, age: timedelta = timedelta(0)) -> dict[str, Any]:
        at = self._now - age - timedelta(milliseconds=len(self._sent))
        made = message(self.feed, sensor=f"mixed-{len(self._sent) % 50}", at=at)
        self._sent.append(made)
        return made

    def _raw(self, path: str, text: str) -> bytes:
        made = message(self.feed, sensor="mixed-bad", at=self._now) | {path: "@@"}
        return json.dumps(made).replace('"@@"', text).encode()

    def _later(self) -> str:
        return (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    def _nothing_measured(self) -> bytes:
        made = message(self.feed, sensor="mixed-empty", at=self._now)
        kept = (self.feed.sensor, self.feed.event_time)
        return json.dumps({k: v for k, v in made.items() if k in kept}).encode()

    def _late(self) -> bytes:
        return json.dumps(self._fresh(timedelta(days=self._random.randrange(1, 700)))).encode()

    def _with_unknown_fields(self) -> bytes:
        return json.dumps(self._fresh() | {"firmware": {"version": [1, 2]}}).encode()

    def _with_a_key_twice(self) -> bytes:
        text = json.dumps(self._fresh())
        return f'{{"{self._number}": 0, {text[1:]}'.encode()

    def _conflict(self) -> bytes:
        known = self._random.choice(self._sent)
        return json.dumps(known | {self._number: known[self._number] + 0.5}).encode()


def test_every_message_is_accounted_for(local_stack: LocalStack) -> None:
    feed = get_feed("air_quality")
    before = local_stack.account(feed)
    launch = local_stack.stream(feed)["launch"]
    counted = "SELECT reason, count(*) FROM ops.quarantine WHERE feed = 'air_quality' GROUP BY 1"
    reasons_before = Counter(dict(local_stack.query(counted)))
    mix = Mix(feed)

    # A long string of one letter is small once compressed: it passes the topic's limit.
    with Sender(make_producer(max_message=2 * LONG, batch_size=feed.kafka.max_message)) as sender:
        for number in range(MESSAGES):
            sender.send(feed.topic, b"mixed", mix.next(number))

    after = local_stack.settle(feed, before["read"] + MESSAGES)
    grown = {name: after[name] - before[name] for name in ("read", "stored", "copies", "conflicts")}
    expected = mix.expected
    assert grown == {
        "read": MESSAGES,
        "stored": expected["stored"],
        "copies": expected["copies"],
        "conflicts": expected["conflicting_copy"],
    }
    reasons = Counter(dict(local_stack.query(counted))) - reasons_before
    quarantined = {k: n for k, n in expected.items() if k not in ("stored", "copies")}
    assert dict(reasons) == quarantined
    assert local_stack.stream(feed)["launch"] == launch
    unexplained = "SELECT count(*) FROM ops.quarantine WHERE length(detail) < 10"
    assert local_stack.query(unexplained) == [(0,)]
