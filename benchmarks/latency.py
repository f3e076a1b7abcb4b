"""From send to commit, at a steady rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
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
    20 ms of the result are the watch's own interval, and up to 20 the simulator's.
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
    feed: Feed, connection: psycopg.Connection, before: Mapping[int, int], history: Sequence[Seen]
) -> npt.NDArray[np.float64]:
    query = (
        "SELECT kafka_offset, extract(epoch FROM event_time)::float8 "
        f"FROM {feed_tables(feed).reading.fullname} "
        "WHERE kafka_partition = %s AND kafka_offset >= %s"
    )
    visible = np.array([seen.at for seen in history])
    sent: list[npt.NDArray[np.float64]] = []
    took: list[npt.NDArray[np.float64]] = []
    for partition, begin in before.items():
        rows = connection.execute(query, (partition, begin)).fetchall()
        offsets, times = np.array(rows, dtype=float).reshape(-1, 2).T
        ends = np.array([seen.ends.get(partition, 0) for seen in history])
        sent.append(times)
        # The first look that showed an end beyond the offset.
        took.append(visible[np.searchsorted(ends, offsets, side="right")] - times)
    all_sent, all_took = np.concatenate(sent), np.concatenate(took)
    counted: npt.NDArray[np.bool_] = all_sent >= float(all_sent.min()) + _SETTLING
    return all_took[counted]
