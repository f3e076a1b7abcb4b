"""Sends the rows of a table to the feed's topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from vigie.broker.messages import make_encoder
from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed


def messages(feed: Feed, frame: pd.DataFrame) -> Iterator[tuple[bytes, bytes]]:
    """Key and message of each row of `frame`, whose columns are those of `read_files`."""
    encode = make_encoder(feed)
    names = [name for name in frame.columns if name not in ("sensor", "event_time")]
    times = pd.DatetimeIndex(frame["event_time"]).to_pydatetime()
    values = zip(*(frame[name].tolist() for name in names), strict=True)
    for sensor, at, row in zip(frame["sensor"], times, values, strict=True):
        yield sensor.encode(), encode(sensor, at, dict(zip(names, row, strict=True)))


def send(
    feed: Feed,
    frame: pd.DataFrame,
    *,
    rate: float | None = None,
    on_sent: Callable[[], object] = lambda: None,
) -> int:
    """Send every row in order, at most `rate` a second; `on_sent` is called after each.

    Returns how many messages the broker acknowledged.

    Raises:
        BrokerError: The broker is away, or did not acknowledge every message.
    """
    ensure_topics([feed])
    producer = make_producer(max_message=feed.kafka.max_message)
    with Sender(producer, rate=rate) as sender:
        for key, value in messages(feed, frame):
            sender.send(feed.topic, key, value)
            on_sent()
    return sender.acknowledged
