"""Devices that send until they are told that a message is safe, over Kafka and over HTTP."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from functools import partial

import httpx
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Delivered

from tests.bad_messages import LONG
from tests.campaign.sent import Sent
from vigie.broker.producer import make_producer
from vigie.contract.feed import Feed

Item = tuple[bytes | None, bytes, str]
"""A message's key, its bytes, and its meaning."""

_GIVE_UP = 420.0
"""Seconds for the last acknowledgement, faults and all."""
_PATIENCE = 4.0
"""Seconds a device waits for an answer: less than the API may take while the broker is away."""
_IMPATIENT = 0.002
"""Seconds after which a device whose line fails is gone: its answer is lost."""
_LOST = 0.06
_FINAL = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD)


class KafkaDevice:
    """Sends to the feed's topic; what was not acknowledged is sent again."""

    def __init__(self, feed: Feed, sent: Sent) -> None:
        self._feed, self._sent = feed, sent
        self._again: list[tuple[bytes | None, bytes]] = []
        self._due = 0
        self._broken: list[Producer] = []
        """Producers that can send nothing more, and have not told of all they had."""
        self._producer = self._make()

    def send(self, items: Iterable[Item]) -> None:
        """Send messages; waits where too many are on their way."""
        for key, value, meaning in items:
            self._sent.mean(value, meaning, by_kafka=True)
            self._send(key, value)
        self._poll(0)

    def finish(self) -> None:
        """Wait until every message is acknowledged.

        Raises:
            AssertionError: One was not, within minutes.
        """
        deadline = time.monotonic() + _GIVE_UP
        while self._due or self._again:
            assert time.monotonic() < deadline, f"{self._feed.name}: Kafka took no more messages"
            self._poll(0.5)

    def _make(self) -> Producer:
        # As `vigie simulate` does it, but that a message's time may end, to be sent again.
        limit = self._feed.kafka.max_message
        return make_producer(
            max_message=2 * LONG, batch_size=limit, message_timeout_ms=30_000, linger_ms=50
        )

    def _send(self, key: bytes | None, value: bytes) -> None:
        while self._due > 5000:
            self._poll(0.1)
        arrived = partial(self._arrived, self._producer, key, value)
        try:
            self._producer.produce(self._feed.topic, value, key, on_delivery=arrived)
            self._due += 1
        except BufferError:
            self._again.append((key, value))
        except KafkaException as error:
            self._failed(self._producer, error.args[0], key, value)

    def _poll(self, seconds: float) -> None:
        self._producer.poll(seconds)
        for producer in self._broken:
            producer.poll(0)
        self._broken = [producer for producer in self._broken if len(producer)]
        again, self._again = self._again, []
        for key, value in again:
            self._sent.count("sent again to Kafka")
            self._send(key, value)

    def _arrived(
        self,
        producer: Producer,
        key: bytes | None,
        value: bytes,
        error: KafkaError | None,
        message: Delivered,
    ) -> None:
        self._due -= 1
        if error is None:
            self._sent.delivered(value, message.partition(), message.offset())
        else:
            self._failed(producer, error, key, value)

    def _failed(
        self, producer: Producer, error: KafkaError, key: bytes | None, value: bytes
    ) -> None:
        if error.code() in _FINAL:
            self._sent.count("refused by Kafka")
            return
        if error.fatal() and producer is self._producer:
            # It gives back what it still has first, as failed, and that is sent again.
            self._producer = self._make()
            self._sent.count("producers made anew")
            producer.flush(5)
            self._broken.append(producer)
        self._again.append((key, value))


class HttpDevice:
    """Posts arrays of readings; one without an answer, or told to come later, is posted again."""

    def __init__(
        self, feed: Feed, sent: Sent, *, address: str, key: str, draw: random.Random
    ) -> None:
        self._sent, self._draw = sent, draw
        self._url = f"{address}/v1/readings/{feed.name}"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(self, items: Iterable[Item]) -> None:
        """Post these readings at once, and again until they are answered.

        Raises:
            AssertionError: Nobody answered within minutes.
        """
        values = []
        for _, value, meaning in items:
            self._sent.mean(value, meaning, by_kafka=False)
            values.append(value)
        if values:
            self._until_answered(values)

    def finish(self) -> None:
        """Nothing is left: whatever was posted was answered."""

    def post_anything(self, body: bytes) -> None:
        """Post a body that is no JSON, which must be refused as a whole.

        Raises:
            AssertionError: Nobody answered within minutes.
        """
        self._until_answered([], body)

    def _until_answered(self, values: Sequence[bytes], body: bytes | None = None) -> None:
        deadline = time.monotonic() + _GIVE_UP
        body = b"[" + b",".join(values) + b"]" if body is None else body
        while not self._answered(list(values), body):
            assert time.monotonic() < deadline, f"{self._url} answered for minutes with neither"
            self._sent.count("requests sent again")
            time.sleep(self._draw.uniform(0.2, 1.5))

    def _answered(self, values: list[bytes], body: bytes) -> bool:
        read = _IMPATIENT if self._draw.random() < _LOST else _PATIENCE
        timeout = httpx.Timeout(_PATIENCE, read=read)
        try:
            reply = httpx.post(self._url, content=body, headers=self._headers, timeout=timeout)
        except httpx.TransportError:
            self._sent.count("answers lost")
            return False
        self._sent.count(f"answers {reply.status_code}")
        if reply.status_code in (429, 503):
            return False
        if not values and reply.status_code in (400, 422):
            return True
        if values and reply.status_code in (202, 422):
            self._sent.answered(values, {one["index"] for one in reply.json()["rejected"]})
            return True
        self._sent.wrong(f"{self._url}: answer {reply.status_code}: {reply.text[:200]}")
        return reply.status_code < 500
