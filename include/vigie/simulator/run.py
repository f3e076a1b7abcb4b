"""Sends simulated readings: live, or a history that is the same each time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from itertools import islice

from tenacity import before_sleep_log, retry, retry_if_exception_type, wait_exponential

from vigie.broker.messages import make_encoder
from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed
from vigie.errors import BrokerAway
from vigie.simulator.model import make_model

_REPORT_EVERY = 60.0
_LIVE_FLUSH = 8.0
"""Seconds for the last acknowledgements; a process manager kills after ten."""

Moment = tuple[int, datetime]
log = logging.getLogger(__name__)


def live(sensors: int) -> Iterator[Moment]:
    """Each sensor in turn, now; never the same millisecond twice for one sensor."""
    last = [datetime.min.replace(tzinfo=UTC)] * sensors
    for number in numbers():
        sensor = number % sensors
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        last[sensor] = max(now, last[sensor] + timedelta(milliseconds=1))
        yield sensor, last[sensor]


def history(sensors: int, *, start: datetime, step: timedelta, count: int) -> Iterator[Moment]:
    """All sensors at `start`, then all one `step` later, and so on for `count` moments."""
    for number in range(count):
        yield number % sensors, start + number // sensors * step


def messages(
    feed: Feed, moments: Iterable[Moment], *, sensors: int, seed: int
) -> Iterator[tuple[bytes, bytes]]:
    """Key and message for each moment; equal arguments give equal bytes."""
    encode = make_encoder(feed)
    models = [make_model(feed, seed=seed, sensor=sensor) for sensor in range(sensors)]
    names = [f"{feed.name}-{sensor + 1:02d}" for sensor in range(sensors)]
    for sensor, at in moments:
        yield names[sensor].encode(), encode(names[sensor], at, models[sensor].values(at))


def send_live(feed: Feed, *, sensors: int, seed: int, rate: float, count: int | None = None) -> int:
    """Send `rate` messages a second as measured now, until `count` or an interrupt ends it.

    While the broker is away messages wait in memory; when that is full, sending waits. Returns
    how many were acknowledged.

    Raises:
        BrokerError: At the end, messages were left unacknowledged.
    """
    producer = make_producer(max_message=feed.kafka.max_message, message_timeout_ms=0)
    with Sender(producer, rate=rate, flush_timeout=_LIVE_FLUSH) as sender:
        try:
            _wait_for_topic(feed)
            report = time.monotonic() + _REPORT_EVERY
            made = messages(feed, live(sensors), sensors=sensors, seed=seed)
            for number, (key, value) in enumerate(islice(made, count), 1):
                sender.send(feed.topic, key, value)
                if time.monotonic() >= report:
                    log.info("sent %d, acknowledged %d", number, sender.acknowledged)
                    report += _REPORT_EVERY
        except KeyboardInterrupt:
            log.info("asked to stop")
    return sender.acknowledged


def send_history(
    feed: Feed,
    moments: Iterable[Moment],
    *,
    sensors: int,
    seed: int,
    rate: float | None = None,
) -> int:
    """Send a message for each of `moments`; returns how many were acknowledged.

    Raises:
        BrokerError: The broker is away, or did not acknowledge every message.
    """
    ensure_topics([feed])
    with Sender(make_producer(max_message=feed.kafka.max_message), rate=rate) as sender:
        for key, value in messages(feed, moments, sensors=sensors, seed=seed):
            sender.send(feed.topic, key, value)
    return sender.acknowledged


@retry(
    retry=retry_if_exception_type(BrokerAway),
    wait=wait_exponential(max=30),
    before_sleep=before_sleep_log(log, logging.WARNING),
)
def _wait_for_topic(feed: Feed) -> None:
    ensure_topics([feed])
