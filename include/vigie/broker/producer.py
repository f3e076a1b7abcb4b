"""Sends messages so that each is acknowledged once, in order, or counted as failed."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from vigie.broker.admin import away, client_log, refused
from vigie.broker.login import client_settings, refusal
from vigie.contract.feed import Kafka
from vigie.errors import BrokerError, RightMissing
from vigie.settings import get_settings

KEY_AND_FRAMING = 1024
"""Bytes a record has beside its value: a key of 800 at most (200 characters), and some 100 more.

Client and broker hold the whole record against their limits, a contract its value alone.
"""
_MESSAGES_PER_POLL = 1000

log = logging.getLogger(__name__)


def make_producer(*, max_message: int = Kafka().max_message, **overrides: Any) -> Producer:
    """An idempotent producer; `max_message` is the longest value it sends, in bytes.

    `overrides` are librdkafka settings with `_` for `.`; they win. A copy of a message with the
    same key reaches the same partition.
    """
    settings: dict[str, Any] = {
        **client_settings(),
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 20,
        # The broker holds a whole batch against the topic's limit, and a refused one is lost. A
        # message that fills a batch by itself goes alone.
        "batch.size": max_message,
        "message.max.bytes": max_message + KEY_AND_FRAMING,
    }
    settings |= {key.replace("_", "."): value for key, value in overrides.items()}
    return Producer(settings, logger=client_log)


class Sender:
    """Counts what the broker acknowledged and what failed; leaving it waits for the rest.

    A full buffer makes `send` wait. With `rate`, `send` also waits so that no more than that
    many messages leave per second; time lost is not caught up in a burst.
    """

    def __init__(
        self,
        producer: Producer,
        *,
        rate: float | None = None,
        flush_timeout: float = 60.0,
    ) -> None:
        self.acknowledged = 0
        self.failed = 0
        self.first_failure = ""
        self._producer = producer
        self._pause = 1 / rate if rate else 0.0
        self._due = time.monotonic()
        self._flush_timeout = flush_timeout
        self._unpolled = 0

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Hand one message to the producer; what becomes of it shows in the counts.

        Raises:
            BrokerError: The producer is broken, or was not let in, and can send nothing.
        """
        if self._pause:
            self._wait_for_turn()
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered)
                break
            except BufferError:
                self._serve(0.5)
            except KafkaException as error:
                self._refuse(error.args[0])
                break
        self._unpolled += 1
        if self._pause or self._unpolled >= _MESSAGES_PER_POLL:
            self._serve(0)
            self._unpolled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the acknowledgements still due.

        Raises:
            BrokerError: Messages were not acknowledged; not raised over another error.
        """
        try:
            self._wait_for_rest()
        except BrokerError as told:
            if error is None:
                raise
            log.error("%s", told)

    def _wait_for_rest(self) -> None:
        deadline = time.monotonic() + self._flush_timeout
        while waiting := len(self._producer):
            self._serve(min(max(deadline - time.monotonic(), 0.0), 0.5))
            if time.monotonic() > deadline:
                break
        if self.failed + waiting:
            raise BrokerError(
                f"{self.failed + waiting} message(s) to Kafka at {get_settings().kafka} not "
                f"acknowledged, {self.acknowledged} were; first failure: "
                f"{self.first_failure or f'no answer within {self._flush_timeout:g} s'}. "
                "Sending all of them again is safe: copies do not count"
            )

    def _serve(self, seconds: float) -> None:
        """Wait for answers; a login that was refused before the first one is the end."""
        try:
            self._producer.poll(seconds)
        except KafkaException as error:
            self._refuse(error.args[0])
        if not self.acknowledged and refusal():
            raise away("messages", "no acknowledgement")

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        while now < self._due:
            # In slices, since acknowledgements are only counted while polling. It counts whole
            # milliseconds: less than one is none, and the loop would spin.
            self._serve(min(max(self._due - now, 0.001), 0.5))
            now = time.monotonic()
        self._due = max(self._due, now - 1) + self._pause

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._fail(error)

    def _refuse(self, error: KafkaError) -> None:
        self._fail(error)
        told = refused("messages", error)
        if error.fatal() and isinstance(told, RightMissing):
            raise told
        if error.fatal():
            raise BrokerError(
                f"Kafka at {get_settings().kafka}: the producer cannot go on: {error.str()}. "
                "Start the command again: sending a message twice is safe"
            )

    def _fail(self, error: KafkaError) -> None:
        self.failed += 1
        if not self.first_failure:
            told = refused("messages", error)
            self.first_failure = str(told) if isinstance(told, RightMissing) else error.str()
            log.error("first message not acknowledged: %s", self.first_failure)
