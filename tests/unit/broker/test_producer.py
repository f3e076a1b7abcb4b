from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from vigie.broker.producer import Sender
from vigie.errors import BrokerError


class FakeProducer:
    """Acknowledges on poll what was produced; `full` times the buffer has no room first."""

    def __init__(self, *, full: int = 0, refusal: KafkaError | None = None) -> None:
        self.full = full
        self.refusal = refusal
        self.produced: list[tuple[str, bytes, bytes]] = []
        self.silent = False
        self._due: list[Callable[[Any, Any], None]] = []

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Any) -> None:
        if self.full:
            self.full -= 1
            raise BufferError
        if self.refusal is not None and self.refusal.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            raise KafkaException(self.refusal)
        self.produced.append((topic, key, value))
        self._due.append(on_delivery)

    def poll(self, timeout: float) -> int:
        time.sleep(min(timeout, 0.01))
        if self.silent:
            return 0
        due, self._due = self._due, []
        for on_delivery in due:
            on_delivery(self.refusal, None)
        return len(due)

    def __len__(self) -> int:
        return len(self._due)


def send_all(producer: Any, values: Iterable[Any], flush_timeout: float = 60) -> Sender:
    with Sender(producer, flush_timeout=flush_timeout) as sender:
        for value in values:
            sender.send("t", b"k", value)
    return sender


def test_counts_acknowledgements_and_keeps_order() -> None:
    producer = FakeProducer()
    sender = send_all(producer, (str(number).encode() for number in range(2500)))
    assert (sender.acknowledged, sender.failed) == (2500, 0)
    assert [int(value) for _, _, value in producer.produced] == [*range(2500)]


def test_waits_while_the_buffer_is_full() -> None:
    assert send_all(FakeProducer(full=3), [b"v"]).acknowledged == 1


@pytest.mark.parametrize("code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._MSG_TIMED_OUT])
def test_names_count_and_first_failure(code: int) -> None:
    failure = KafkaError(code)
    with pytest.raises(BrokerError, match=rf"2 message.*{failure.str()}"):
        send_all(FakeProducer(refusal=failure), [b"1", b"2"])


def test_what_was_never_answered_is_an_error() -> None:
    producer = FakeProducer()
    producer.silent = True
    with pytest.raises(BrokerError, match=r"1 message.*no answer within 0.1 s"):
        send_all(producer, [b"v"], flush_timeout=0.1)


def test_does_not_hide_the_error_that_ended_the_sending() -> None:
    producer = FakeProducer(refusal=KafkaError(KafkaError._MSG_TIMED_OUT))
    values = (b"v" if number else 1 // number for number in (1, 0))
    with pytest.raises(ZeroDivisionError):
        send_all(producer, values)


def test_a_fatal_error_ends_the_sending() -> None:
    class Broken(FakeProducer):
        def produce(self, *_: Any, **__: Any) -> None:
            raise KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))

    producer = Broken()
    with pytest.raises(BrokerError, match="fenced"):
        send_all(producer, [b"v"])


def test_keeps_the_rate() -> None:
    started = time.monotonic()
    with Sender(FakeProducer(), rate=100) as sender:
        for _ in range(31):
            sender.send("t", b"k", b"v")
    assert 0.29 <= time.monotonic() - started < 0.6
