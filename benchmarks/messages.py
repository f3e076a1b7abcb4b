"""The messages both sides read, and the live ones for the latency."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed
from vigie.simulator.moments import history
from vigie.simulator.simulation import Simulation

SENSORS = 500
_SEED = 1
START = datetime(2026, 1, 1, tzinfo=UTC)
_STEP = timedelta(minutes=1)
# A prime, so that the bad messages are spread over the sensors.
_BAD_EVERY = 1009


def send_bulk(feed: Feed, count: int, *, start: datetime = START, step: timedelta = _STEP) -> None:
    """Send a seeded history without copies; one message in a thousand is out of range.

    All sensors report at `start`, then all one `step` later, until `count` messages are sent.

    Raises:
        BrokerError: The broker did not acknowledge every message.
    """
    ensure_topics([feed])
    moments = history(SENSORS, start=start, step=step, count=count)
    made = Simulation(feed, SENSORS, seed=_SEED).messages(moments)
    with Sender(make_producer(max_message=feed.kafka.max_message)) as sender:
        for number, message in enumerate(made, 1):
            value = message.value if number % _BAD_EVERY else _spoil(message.value, feed)
            sender.send(feed.topic, message.key, value)


def _spoil(value: bytes, feed: Feed) -> bytes:
    field = next(field for field in feed.fields.values() if field.valid)
    return orjson.dumps(orjson.loads(value) | {field.path: 1e9})


@contextmanager
def sending_live(feed: Feed, *, rate: int, seconds: int) -> Iterator[subprocess.Popen[bytes]]:
    """Send live readings from a process of its own, as `vigie simulate` does."""
    command = [str(Path(sys.executable).parent / "vigie"), "simulate", feed.name]
    command += ["--rate", str(rate), "--count", str(rate * seconds), "--sensors", str(SENSORS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
