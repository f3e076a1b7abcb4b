"""Every kind of bad message at once: no batch fails, every message is accounted for."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.bad_messages import LONG, BadMessages
from tests.local_stack import LocalStack
from tests.readings import message
from vigie.broker.producer import Sender, make_producer
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MESSAGES = 100_000


class Mix:
    """A seeded mixture of messages, and what has to become of each."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.expected: Counter[str] = Counter()
        self._random = random.Random(7)
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._bad = BadMessages(feed, self._now)
        self._number = self._bad.number
        self._sent: list[dict[str, Any]] = []
        self._kinds: list[tuple[str, Callable[[], bytes]]] = [
            *self._bad.kinds,
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
            return self._bad.oversize()
        reason, make = self._random.choice(self._kinds)
        self.expected[reason] += 1
        return make()

    def _fresh(self, age: timedelta = timedelta(0)) -> dict[str, Any]:
        at = self._now - age - timedelta(milliseconds=len(self._sent))
        made = message(self.feed, sensor=f"mixed-{len(self._sent) % 50}", at=at)
        self._sent.append(made)
        return made

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
