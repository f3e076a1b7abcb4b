"""Measures how far the stream is behind its topic, in a thread that may wait for the broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from vigie.broker.offsets import TopicState, read_topic
from vigie.errors import BrokerError
from vigie.streaming.heartbeat import INTERVAL, Pulse


class LagProbe:
    """Keeps `pulse.lag_messages` true: null while the broker is silent."""

    def __init__(self, topic: str, pulse: Pulse, ends: Callable[[], Mapping[int, int]]) -> None:
        self._topic, self._pulse, self._ends = topic, pulse, ends
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lag", daemon=True)

    def start(self) -> None:
        """Begin to measure."""
        self._pulse.level_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End after the measurement in hand."""
        self._ended.set()

    def observe(self, topic: TopicState) -> None:
        """Take the lag from a topic's state."""
        ends = self._ends()
        lag = sum(end - max(ends.get(p, 0), first) for p, (first, end) in topic.partitions.items())
        self._pulse.lag_messages = max(lag, 0)
        if lag <= 0:
            self._pulse.level_at = time.monotonic()

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL):
            try:
                self.observe(read_topic(self._topic, timeout=INTERVAL))
            except BrokerError:
                self._pulse.lag_messages = None
