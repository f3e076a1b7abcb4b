"""The model of what was sent: every message's meaning, and what its sender was told."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

GOOD = "good"
"""The meaning of a message that is a reading; that of any other is the reason of its quarantine."""


@dataclass
class Sent:
    """All that was sent to one feed, by the bytes of the message.

    `meant` is filled before a message leaves. `acknowledged` are those of which a sender was told
    that they are safe, `refused` those that the HTTP API refused one by one; of any other nobody
    knows. `places` are the coordinates that Kafka itself told, and `by_kafka` what was sent there.
    """

    feed: str
    meant: dict[bytes, str] = field(default_factory=dict)
    acknowledged: set[bytes] = field(default_factory=set)
    refused: set[bytes] = field(default_factory=set)
    by_kafka: set[bytes] = field(default_factory=set)
    places: dict[tuple[int, int], bytes] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    wrong_answers: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def mean(self, value: bytes, meaning: str, *, by_kafka: bool) -> None:
        """Note what a message is before it leaves."""
        with self._lock:
            self.meant.setdefault(value, meaning)
            self.counts["messages"] += 1
            if by_kafka:
                self.by_kafka.add(value)

    def delivered(self, value: bytes, partition: int, offset: int) -> None:
        """Kafka told where it put the message."""
        with self._lock:
            self.acknowledged.add(value)
            self.places[partition, offset] = value
            self.counts["acknowledged by Kafka"] += 1

    def answered(self, values: list[bytes], rejected: set[int]) -> None:
        """The API took these but for the rejected ones."""
        with self._lock:
            for index, value in enumerate(values):
                (self.refused if index in rejected else self.acknowledged).add(value)
            self.counts["accepted by the API"] += len(values) - len(rejected)
            self.counts["refused by the API"] += len(rejected)

    def count(self, what: str, number: int = 1) -> None:
        """Count something else that happened to a sender."""
        with self._lock:
            self.counts[what] += number

    def wrong(self, answer: str) -> None:
        """Note an answer that the API may never give."""
        with self._lock:
            self.wrong_answers.append(answer)
