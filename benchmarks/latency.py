"""From send to commit, at a steady rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import psycopg

from benchmarks.measure import LedgerWatch, Seen
from benchmarks.messages import sending_live
from vigie.broker.offsets import read_topic
from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import feed_tables

_SETTLING = 10
"""Seconds at the start that are sent but not counted."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from send to commit of the readings sent in `seconds`."""

    rate: int
    seconds: int
    readings: int
    p50_ms: float
    p95_ms: float
    max_ms: float


def measure_latency(
    feed: Feed,
    watch: LedgerWatch,
    connection: psycopg.Connection,
    *,
    rate: int,
    seconds: int,
    check: Callable[[], None],
) -> Latency:
    """Send live readings and match each one's send time with when its offset became visible.

    The simulator stamps a reading with the clock when it hands it to the producer, so that the
    stored event time is the send time, cut to milliseconds; the clock is the machine's. Up to
    20 ms of the result are the watch's own interval.
    """
    before = dict(watch.history[-1].ends)
    with sending_live(feed, rate=rate, seconds=seconds + _SETTLING) as sender:
        watch.wait(lambda _: sender.poll() is not None, check=check)
        if sender.returncode:
            raise RuntimeError(f"the sender ended with exit code {sender.returncode}")
    topic = read_topic(feed.topic).partitions
    ends = {partition: end for partition, (_, end) in topic.items()}
    watch.wait(lambda seen: seen.reaches(ends), check=check)
    took = 1000 * _seconds_to_visible(feed, connection, before, watch.history)
    p50, p95 = np.percentile(took, [50, 95])
    return Latency(rate, seconds, took.size, float(p50), float(p95), float(took.max()))


def _seconds_to_visible(
    feed: Feed, connection: psycopg.Connection, before: dict[int, int], history: list[Seen]
) -> np.ndarray:
    table = feed_tables(feed).reading.fullname
    took = []
    for partition, begin in before.items():
        rows = connection.execute(
            "SELECT kafka_offset, extract(epoch FROM event_time)::float8 "
            f"FROM {table} WHERE kafka_partition = %s AND kafka_offset >= %s AND event_time >= ("
            f"SELECT min(event_time) FROM {table} WHERE event_time > now() - interval '1 day'"
            ") + %s",
            (partition, begin, timedelta(seconds=_SETTLING)),
        ).fetchall()
        if not rows:
            continue
        offsets, sent = np.array(rows, dtype=float).T
        ends = np.array([seen.ends.get(partition, 0) for seen in history])
        visible = np.array([seen.at for seen in history])
        # The first look that showed an end beyond the offset.
        took.append(visible[np.searchsorted(ends, offsets, side="right")] - sent)
    return np.concatenate(took)
