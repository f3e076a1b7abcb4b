"""Sends messages so that each is acknowledged once, in order, or counted as failed."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from vigie.broker.admin import client_log
from vigie.contract.feed import Kafka
from vigie.errors import BrokerError
from vigie.settings import get_settings

_MESSAGES_PER_POLL = 1000

log = logging.getLogger(__name__)


def make_producer(*, max_message: int = Kafka().max_message, **overrides: Any) -> Producer:
    """An idempotent producer; `max_message` is the least limit of the topics it writes to.

    `overrides` are librdkafka settings with `_` for `.`; they win. A copy of a message with the
    same key reaches the same partition.
    """
    settings: dict[str, Any] = {
        "bootstrap.servers": get_settings().kafka,
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 20,
        # The broker holds a whole batch against the topic's limit, and a refused one is lost.
        "batch.size": max_message,
        "message.max.bytes": max_message,
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
            BrokerError: The producer is broken and can send nothing any more.
        """
        if self._pause:
            self._wait_for_turn()
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.5)
            except KafkaException as error:
                self._refuse(error.args[0])
                break
        self._unpolled += 1
        if self._pause or self._unpolled >= _MESSAGES_PER_POLL:
            self._producer.poll(0)
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
        waiting = self._producer.flush(self._flush_timeout)
        if not self.failed + waiting:
            return
        message = (
            f"{self.failed + waiting} message(s) to Kafka at {get_settings().kafka} not "
            f"acknowledged, {self.acknowledged} were; first failure: "
            f"{self.first_failure or f'no answer within {self._flush_timeout:g} s'}. "
            "Sending all of them again is safe: copies do not count"
        )
        if error is not None:
            log.error(message)
            return
        raise BrokerError(message)

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        while now < self._due:
            # In slices, since acknowledgements are only counted while polling. It counts whole
            # milliseconds: less than one is none, and the loop would spin.
            self._producer.poll(min(max(self._due - now, 0.001), 0.5))
            now = time.monotonic()
        self._due = max(self._due, now - 1) + self._pause

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._fail(error)

    def _refuse(self, error: KafkaError) -> None:
        self._fail(error)
        if error.fatal():
            raise BrokerError(
                f"Kafka at {get_settings().kafka}: the producer cannot go on: {error.str()}. "
                "Start the command again: sending a message twice is safe"
            )

    def _fail(self, error: KafkaError) -> None:
        self.failed += 1
        if not self.first_failure:
            self.first_failure = error.str()
            log.error("first message not acknowledged: %s", self.first_failure)
