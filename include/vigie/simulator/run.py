"""Sends simulated readings: live until told to stop, or a history that is the same each time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event

from tenacity import (
    before_sleep_log,
    retry,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential,
)

from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed
from vigie.errors import BrokerAway
from vigie.simulator.kafka_sink import KafkaSink
from vigie.simulator.moments import Moment, live, paced
from vigie.simulator.simulation import Simulation
from vigie.simulator.sink import Sink

OpenSink = Callable[[Feed], Sink]
_TOGETHER = 0.02
"""Seconds of live readings that are computed, and stamped, at once."""

log = logging.getLogger(__name__)


def send_history(simulation: Simulation, moments: Iterable[Moment], sink: Sink) -> None:
    """Send a message for each of `moments`; the simulation's tally says how many.

    Raises:
        BrokerError, IngestError: Not every message was acknowledged.
    """
    with sink:
        for message in simulation.messages(moments):
            sink.send(message.key, message.value)
    _count(simulation, sink)


def send_live(
    simulations: Sequence[Simulation],
    open_sink: OpenSink,
    stop: Event,
    *,
    rate: float | None = None,
    count: int | None = None,
) -> None:
    """Send readings as measured now, all feeds side by side, until `stop` or `count` of each.

    Args:
        simulations: What to send, a feed each.
        open_sink: Where it goes; a sink of its own for each feed.
        stop: Ends it; what is under way still leaves.
        rate: Readings a second of each feed; without it the clock sets the pace.
        count: Messages of each feed.

    Raises:
        BrokerError, IngestError: At the end, messages were left unacknowledged.
    """

    def send(simulation: Simulation) -> None:
        try:
            _send_feed(simulation, open_sink(simulation.feed), stop, rate, count)
        except BaseException:
            stop.set()  # One that fails ends the others: the process manager starts all again.
            raise

    with ThreadPoolExecutor(len(simulations)) as pool:
        for done in [pool.submit(send, simulation) for simulation in simulations]:
            done.result()


def _send_feed(
    simulation: Simulation,
    sink: Sink,
    stop: Event,
    rate: float | None,
    count: int | None,
) -> None:
    feed = simulation.feed
    if isinstance(sink, KafkaSink):
        _wait_for_topic(feed, stop)

    def wait(seconds: float) -> bool:
        sink.rest()
        return stop.wait(seconds)

    if rate:
        at_once = max(round(rate * _TOGETHER), 1)
        moments = live(simulation.sensors, rate=rate, at_once=at_once, wait=wait)
    else:
        at_once = simulation.sensors
        moments = paced(simulation.sensors, every=simulation.every, wait=wait)
    with sink:
        made = simulation.messages(_until(stop, moments), at_once=at_once)
        for message in islice(made, count):
            sink.send(message.key, message.value)
    _count(simulation, sink)
    log.info("%s: sent %d, acknowledged %d", feed.name, simulation.tally.sent, sink.acknowledged)


def _until(stop: Event, moments: Iterator[Moment]) -> Iterator[Moment]:
    for moment in moments:
        if stop.is_set():
            return
        yield moment


def _count(simulation: Simulation, sink: Sink) -> None:
    simulation.tally.acknowledged = sink.acknowledged
    simulation.tally.rejected = sink.rejected


def _wait_for_topic(feed: Feed, stop: Event) -> None:
    @retry(
        retry=retry_if_exception_type(BrokerAway),
        wait=wait_exponential(max=30),
        sleep=sleep_using_event(stop),
        stop=stop_when_event_set(stop),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    def ensure() -> None:
        ensure_topics([feed])

    ensure()
