"""Sends messages to the feed's topic."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from vigie.broker.producer import Sender, make_producer
from vigie.contract.feed import Feed

_LIVE_FLUSH = 8.0
"""Seconds for the last acknowledgements; a process manager kills after ten."""


class KafkaSink:
    """One producer; `live` waits for a broker that is away, a history gives up on it."""

    rejected = 0

    def __init__(self, feed: Feed, *, rate: float | None, live: bool) -> None:
        self._topic = feed.topic
        limit = feed.kafka.max_message
        if live:
            producer = make_producer(max_message=limit, message_timeout_ms=0)
            self._sender = Sender(producer, rate=rate, flush_timeout=_LIVE_FLUSH)
        else:
            self._sender = Sender(make_producer(max_message=limit), rate=rate)

    @property
    def acknowledged(self) -> int:
        """Messages the broker has."""
        return self._sender.acknowledged

    def send(self, key: bytes, value: bytes) -> None:
        """Hand one message to the producer."""
        self._sender.send(self._topic, key, value)

    def rest(self) -> None:
        """The producer sends by itself."""

    def __enter__(self) -> Self:
        self._sender.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the acknowledgements still due."""
        self._sender.__exit__(kind, error, trace)
