"""What devices send: live readings of every feed all the time, bursts and bad messages by plan."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Event
from typing import Any

from tests.bad_messages import BadMessages, is_json
from tests.campaign.plan import HTTP, Fault
from tests.campaign.senders import HttpDevice, Item, KafkaDevice
from tests.campaign.sent import GOOD, Sent
from tests.readings import message
from vigie.contract.feed import Feed
from vigie.local.stack import Stack
from vigie.simulator.messages import Message
from vigie.simulator.moments import Moment, history
from vigie.simulator.simulation import Simulation

_SENSORS = 12
_EVERY = 1.0
_AT_ONCE = 8
"""Live readings of a feed every second over each of the two ways."""
_RATE = 0.01
_BODY = 250
_READINGS = ("stored", "copies", "conflicting_copy")


class Traffic:
    """The devices of all feeds; what they send, and are told, is in `sent`."""

    def __init__(self, stack: Stack, feeds: dict[str, Feed], seed: int) -> None:
        self._stack, self._feeds, self._seed = stack, feeds, seed
        self.sent = {name: Sent(name) for name in feeds}
        self._ended = Event()
        self._pool = ThreadPoolExecutor(2 * len(feeds))
        self._running: list[Future[None]] = []

    def __enter__(self) -> Traffic:
        """Begin to send live readings."""
        for number, feed in enumerate(self._feeds.values()):
            kafka = KafkaDevice(feed, self.sent[feed.name])
            http = self._http(feed, f"live {feed.name}")
            for way, device in enumerate((kafka, http)):
                source = self._live(feed, self._seed + 2 * number + way)
                self._running.append(self._pool.submit(self._send_on, device, source))
        return self

    def __exit__(self, *_: object) -> None:
        """Let no device go on, whatever happened."""
        self._ended.set()

    def stop(self) -> None:
        """Send what is held back, and wait until all is acknowledged.

        Raises:
            AssertionError: A device gave up.
        """
        self._ended.set()
        for device in self._running:
            device.result()

    def send(self, fault: Fault) -> None:
        """Send the messages of a fault, and wait until they are acknowledged."""
        feed = self._feeds[fault.feed]
        name = f"{self._seed} {fault.number}"
        if fault.kind == "load":
            items = self._burst(feed, fault.size, random.Random(name).randrange(2**31))
        else:
            items = _bad(feed, fault.size, random.Random(name), by_http=fault.target == HTTP)
        if fault.target == HTTP:
            device = self._http(feed, name)
            if fault.kind == "poison":
                device.post_anything(b"\xff\xfe{")
                device.post_anything(b"[{]")
            while chunk := list(islice(items, _BODY)):
                device.send(chunk)
        else:
            kafka = KafkaDevice(feed, self.sent[feed.name])
            kafka.send(items)
            kafka.finish()

    def _send_on(self, device: KafkaDevice | HttpDevice, source: Iterator[Item]) -> None:
        while not self._ended.wait(_EVERY):
            device.send(islice(source, _AT_ONCE))
        while rest := list(islice(source, _BODY)):
            device.send(rest)
        device.finish()

    def _http(self, feed: Feed, name: str) -> HttpDevice:
        address = f"http://{self._stack.address('ingest')}"
        draw = random.Random(f"{self._seed} {name}")
        key = self._stack.secrets["ingest_key"]
        return HttpDevice(feed, self.sent[feed.name], address=address, key=key, draw=draw)

    def _live(self, feed: Feed, seed: int) -> Iterator[Item]:
        every = timedelta(seconds=_EVERY * _SENSORS / _AT_ONCE)
        simulation = Simulation(feed, _SENSORS, seed=seed, fault_rate=_RATE, every=every)
        made = simulation.messages(self._moments(), at_once=1)
        return (_item(message) for message in made)

    def _moments(self) -> Iterator[Moment]:
        """Each sensor in turn, now, until all is over."""
        last = datetime.min.replace(tzinfo=UTC)
        while True:
            for sensor in range(_SENSORS):
                if self._ended.is_set():
                    return
                now = datetime.now(UTC)
                now = now.replace(microsecond=now.microsecond // 1000 * 1000)
                last = max(now, last + timedelta(milliseconds=1))
                yield sensor, last

    def _burst(self, feed: Feed, size: int, seed: int) -> Iterator[Item]:
        """What many sensors kept for some minutes; copies and conflicts are among it."""
        step = timedelta(seconds=1)
        sensors = 4 * _SENSORS
        start = datetime.now(UTC).replace(microsecond=0) - step * (size // sensors + 1)
        kinds = ("copies", "conflicts", "malformed", "stuck")
        simulation = Simulation(
            feed, sensors, seed=seed, fault_rate=_RATE, fault_kinds=kinds, every=step
        )
        made = simulation.messages(history(sensors, start=start, step=step, count=size))
        return (_item(message) for message in made)


def _item(message: Message) -> Item:
    return message.key, message.value, GOOD if message.fate in _READINGS else message.fate


def _bad(feed: Feed, size: int, draw: random.Random, *, by_http: bool) -> Iterator[Item]:
    """Messages that no check passes; among them readings, told twice or otherwise too."""
    now = datetime.now(UTC).replace(microsecond=0)
    bad = BadMessages(feed, now)
    told: list[dict[str, Any]] = []
    for number in range(size):
        if draw.random() < 0.3:
            if told and draw.random() < 0.5:
                reading = dict(draw.choice(told))
                reading[bad.number] += draw.choice((0, 0.5))
            else:
                at, sensor = now - timedelta(seconds=number), f"among-bad-{draw.randrange(5)}"
                told.append(reading := message(feed, sensor=sensor, at=at, step=number))
            yield None if draw.random() < 0.3 else b"among-bad", _dumped(reading), GOOD
            continue
        reason, make = draw.choice(bad.kinds)
        value = make()
        if not by_http or is_json(value):
            yield None if draw.random() < 0.3 else b"bad", value, reason
    if not by_http:
        yield b"bad", bad.oversize(), "oversize"
        yield b"bad", b"", "malformed"


def _dumped(reading: dict[str, Any]) -> bytes:
    return json.dumps(reading).encode()
