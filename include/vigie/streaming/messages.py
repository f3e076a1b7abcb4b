"""Sends the alert messages that wait in the outbox, beside the batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, Message
from sqlalchemy import Engine, delete, select

from vigie.broker.producer import make_producer
from vigie.broker.topics import ALERTS
from vigie.warehouse import core

log = logging.getLogger(__name__)

_AT_ONCE = 1000
_TRY_AGAIN = 10.0
_BROKER_SECONDS = 10


class AlertMessages:
    """A thread of the driver: no batch waits for it, or for a broker that is away.

    A message leaves the outbox once the broker acknowledged it, so it is sent at least once; what
    an earlier driver left is sent at the start.
    """

    def __init__(self, feed: str, engine: Engine) -> None:
        self._feed, self._engine = feed, engine
        self._due = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with what waits."""
        self._due.set()
        self._thread = threading.Thread(target=self._run, name="alert messages", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that a committed batch wrote messages."""
        self._due.set()

    def stop(self) -> None:
        """End the thread; what it has not sent waits for the next driver."""
        self._ending.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join(_BROKER_SECONDS)

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._ending.is_set():
                return
            self._due.clear()
            try:
                left = send_waiting(self._engine, self._feed)
            except Exception as error:
                log.warning("%s: alert messages wait: %s", self._feed, error)
                left = True
            if left:
                self._ending.wait(_TRY_AGAIN)
                self._due.set()


def send_waiting(engine: Engine, feed: str) -> bool:
    """Send the feed's waiting messages, oldest first; returns whether any still wait."""
    t = core.alert_outbox.c
    query = select(t.message_no, t.sensor, t.message).where(t.feed == feed)
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query.order_by(t.message_no).limit(_AT_ONCE)).all()
        if not rows:
            return False
        acknowledged: list[int] = []
        producer = make_producer(message_timeout_ms=_BROKER_SECONDS * 1000, linger_ms=0)
        for row in rows:
            told = _acknowledges(row.message_no, acknowledged)
            producer.produce(ALERTS, row.message.encode(), row.sensor.encode(), on_delivery=told)
        producer.flush(_BROKER_SECONDS + 1)
        if acknowledged:
            with engine.begin() as connection:
                sent = core.alert_outbox.c.message_no.in_(acknowledged)
                connection.execute(delete(core.alert_outbox).where(sent))
            log.info("%s: sent %d alert messages", feed, len(acknowledged))
        if len(acknowledged) < len(rows):
            waiting = len(rows) - len(acknowledged)
            log.warning("%s: %d alert messages not acknowledged; they wait", feed, waiting)
            return True


def _acknowledges(number: int, into: list[int]) -> Callable[[KafkaError | None, Message], None]:
    def told(error: KafkaError | None, _: Message) -> None:
        if error is None:
            into.append(number)

    return told
