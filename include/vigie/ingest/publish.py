"""Hands messages to Kafka without blocking the event loop, and waits for their acknowledgement."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as Delivered

from vigie.broker.login import as_user, refusal
from vigie.broker.producer import make_producer
from vigie.contract.feed import Feed
from vigie.errors import BrokerAway
from vigie.ingest.shape import Message

PATIENCE = 10.0
"""Seconds the broker has to acknowledge a request's messages."""
_POLL = 0.1
_WAITING_KIB = 64 * 1024
"""What may wait for a slow broker, in memory; beyond it requests are sent away at once."""

log = logging.getLogger(__name__)


class Publisher:
    """One feed's producer, with a thread that serves its acknowledgements."""

    def __init__(self, feed: Feed) -> None:
        self._topic = feed.topic
        self._producer = make_producer(
            max_message=feed.kafka.max_message,
            message_timeout_ms=int(PATIENCE * 1000),
            linger_ms=5,
            queue_buffering_max_kbytes=_WAITING_KIB,
        )
        self.broken = False
        """Whether the producer can send nothing any more; another one has to be made."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"publish {feed.name}")
        self._thread.start()

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once the broker has acknowledged every message.

        Raises:
            BrokerAway: It did not acknowledge one in time, or too many messages wait already.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        delivery = _Delivery(
            len(messages), lambda failure: loop.call_soon_threadsafe(_settle, done, failure)
        )
        for count, message in enumerate(messages):
            try:
                self._producer.produce(
                    self._topic, message.value, message.key, on_delivery=delivery.arrived
                )
            except (BufferError, KafkaException) as error:
                self._end_if_broken(error)
                delivery.abandon(len(messages) - count, str(error))
                break
        failure = await done
        if failure:
            if told := refusal():
                log.error("Kafka does not let the HTTP API in %s: %s", as_user(), told)
            raise BrokerAway(f"Kafka did not take the readings: {failure}")

    def close(self) -> None:
        """Wait for the acknowledgements still due, and end."""
        self._ended.set()
        self._thread.join()

    def _end_if_broken(self, error: Exception) -> None:
        cause = error.args[0]
        if isinstance(cause, KafkaError) and cause.fatal():
            self.broken = True
            self._ended.set()

    def _serve(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(_POLL)
        self._producer.flush(PATIENCE)


class _Delivery:
    """Counts the acknowledgements of one request; `then` gets the first failure, or nothing."""

    def __init__(self, messages: int, then: Callable[[str], object]) -> None:
        self._left, self._then, self._failure = messages, then, ""
        self._lock = threading.Lock()

    def arrived(self, error: KafkaError | None, _: Delivered) -> None:
        self.abandon(1, error.str() if error else "")

    def abandon(self, messages: int, failure: str) -> None:
        with self._lock:
            self._left -= messages
            self._failure = self._failure or failure
            if self._left == 0:
                self._then(self._failure)


def _settle(done: asyncio.Future[str], failure: str) -> None:
    # A client that went away has cancelled it.
    if not done.done():
        done.set_result(failure)
