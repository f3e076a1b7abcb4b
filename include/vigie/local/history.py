"""Sends each simulated feed some weeks of history, once, so that nothing starts empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vigie.broker.offsets import read_topic
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.local.stack import Stack


def send_first_history(stack: Stack, feeds: Sequence[str], say: Callable[[str], None]) -> None:
    """Send the history of the feeds that have none yet; it ends where live readings begin.

    A topic that holds messages of anybody else is left as it is. A start that was interrupted
    sends the same history again: the copies do not count.

    Raises:
        BrokerError: The broker did not take all of it.
    """
    for name in feeds:
        feed = get_feed(name)
        marker = _marker(stack, feed)
        begun = marker.read_text().split() if marker.is_file() else []
        if "sent" in begun:
            continue
        if not begun and _is_used(feed):
            say(f"history of {name}: none sent, since its topic is in use")
            marker.write_text("in use, none sent\n")
            continue
        until = datetime.fromisoformat(begun[0]) if begun else datetime.now(UTC)
        marker.write_text(f"{until.isoformat()}\n")
        count = _send(feed, until)
        marker.write_text(f"{until.isoformat()} sent {count}\n")
        say(f"history of {name}: {count} readings sent")


def _send(feed: Feed, until: datetime) -> int:
    # Here, since numpy and the models take time that no other command should wait for.
    from vigie.simulator.kafka_sink import KafkaSink
    from vigie.simulator.model import habits_of
    from vigie.simulator.moments import history, on_the_clock
    from vigie.simulator.run import send_history
    from vigie.simulator.simulation import Simulation

    habits = habits_of(feed)
    start = on_the_clock(until, habits.step) - habits.history + habits.step
    moments = history(habits.sensors, start=start, step=habits.step, count=habits.rows)
    simulation = Simulation(feed, habits.sensors)
    send_history(simulation, moments, KafkaSink(feed, rate=None, live=False))
    return simulation.tally.sent


def _is_used(feed: Feed) -> bool:
    return any(end > 0 for _, end in read_topic(feed.topic).partitions.values())


def _marker(stack: Stack, feed: Feed) -> Path:
    # Beside the broker's log, which holds what was sent.
    folder = stack.state / "history"
    folder.mkdir(exist_ok=True)
    return folder / feed.name
