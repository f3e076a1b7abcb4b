"""One driver's life: claim the launch, raise the fence, find the begins, stream, end cleanly."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery
from sqlalchemy import Engine

from vigie.broker.offsets import read_topic
from vigie.broker.topics import refuse_compacted
from vigie.contract.feed import Feed
from vigie.errors import Superseded
from vigie.settings import get_settings
from vigie.streaming.assemble import BatchFunction, StoreBatches, assemble
from vigie.streaming.commit import Fence
from vigie.streaming.heartbeat import Heartbeat, Pulse
from vigie.streaming.lag import LagProbe
from vigie.streaming.launch import (
    claim,
    launches_without_commit,
    raise_fence,
    record_end,
    record_failure,
    record_gaps,
)
from vigie.streaming.offsets import Begins, find_begins, starting_offsets
from vigie.streaming.session import open_session, read_kafka
from vigie.streaming.store import Store
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine

log = logging.getLogger(__name__)

_KEPT_SCRATCH = 5
_FEWEST_ROWS = 100


def run_driver(feed: Feed, launch: int) -> int:
    """Run the stream of a feed as one launch until it is asked to stop.

    Returns:
        The exit code: 0 if the driver ended on purpose (stopped, superseded, blocked, or the
        launch was claimed already), 1 after a failure, which is recorded in the launch.
    """
    engine = get_engine()
    fence = claim(engine, feed.name, launch)
    if fence is None:
        log.warning("%s: launch %d is claimed already; nothing to do", feed.name, launch)
        return 0
    pulse = Pulse()
    heartbeat = Heartbeat(feed.name, launch, pulse)
    heartbeat.start()
    store = Store(open_warehouse(engine), engine, feed, fence=fence, pulse=pulse)
    try:
        outcome = _stream(engine, feed, fence, store, pulse, heartbeat)
        record_end(engine, feed.name, launch, outcome)
        log.info("%s: launch %d ended: %s", feed.name, launch, outcome)
        return 0
    except Exception as error:
        log.exception("%s: launch %d failed", feed.name, launch)
        record_failure(engine, feed.name, launch, error)
        return 1
    finally:
        store.close()
        heartbeat.stop()


def _stream(
    engine: Engine, feed: Feed, fence: Fence, store: Store, pulse: Pulse, heartbeat: Heartbeat
) -> str:
    try:
        raise_fence(engine, feed.name, fence)
        begins = store.patiently(lambda: _begins(store, feed))
        if begins.gaps:
            record_gaps(engine, feed.name, begins.gaps)
            pulse.phase = "blocked"
            return "blocked"
        _run_query(engine, feed, fence, store, pulse, heartbeat, begins)
    except Superseded as error:
        log.warning("%s", error)
        return "superseded"
    return "stopped"


def _begins(store: Store, feed: Feed) -> Begins:
    refuse_compacted(feed.topic)
    return find_begins(store.open(), feed, read_topic(feed.topic))


def _run_query(
    engine: Engine,
    feed: Feed,
    fence: Fence,
    store: Store,
    pulse: Pulse,
    heartbeat: Heartbeat,
    begins: Begins,
) -> None:
    scratch = _scratch_folder(feed, fence)
    failed = launches_without_commit(engine, feed.name, fence.launch)
    max_rows = max(feed.stream.max_rows // 10**failed, _FEWEST_ROWS)
    records = read_kafka(
        open_session(f"vigie {feed.name}"),
        feed,
        starting=starting_offsets(feed, begins.offsets),
        max_rows=max_rows,
    )
    ends = dict(begins.offsets)
    probe = LagProbe(feed.topic, pulse, lambda: ends)
    batches = StoreBatches(feed, store, probe, scratch=scratch, topic_id=begins.topic_id, ends=ends)
    gate = Gate(batches)
    writer = assemble(records, feed, scratch=scratch, batch_function=gate)
    query = writer.start()
    probe.start()
    pulse.phase = "running"
    _await(query, gate, pulse, heartbeat)
    probe.stop()


def _await(query: StreamingQuery, gate: Gate, pulse: Pulse, heartbeat: Heartbeat) -> None:
    """Wait until the query ends by an error, or stop it when asked.

    Raises:
        Exception: What the batch function raised, or else what Spark reports of the query.
    """
    while query.isActive and not heartbeat.stop_requested.wait(0.5):
        pass
    if query.isActive:
        pulse.phase = "stopping"
        gate.close()
        query.stop()
    if gate.error is not None:
        raise gate.error
    query.awaitTermination()


class Gate:
    """Lets batches through until closed; closing waits for the batch in hand.

    `query.stop()` interrupts a batch in progress, so it may only be called behind a closed gate.
    A batch that comes later returns without writing: the ledger is the checkpoint.
    """

    def __init__(self, batches: BatchFunction) -> None:
        self.error: Exception | None = None
        self._batches = batches
        self._in_hand = threading.Lock()
        self._closed = False

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Run a batch; keep its error, which Spark would only give as text."""
        with self._in_hand:
            if self._closed:
                return
            try:
                self._batches(records, batch_id)
            except Exception as error:
                self.error = error
                raise

    def close(self) -> None:
        """Let no further batch through; returns when the one in hand is done."""
        with self._in_hand:
            self._closed = True


def _scratch_folder(feed: Feed, fence: Fence) -> Path:
    """A new folder for Spark's own checkpoint; those of old launches go."""
    parent = get_settings().state / "scratch" / feed.name
    parent.mkdir(parents=True, exist_ok=True)
    old = sorted(parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for folder in old[:-_KEPT_SCRATCH]:
        shutil.rmtree(folder, ignore_errors=True)
    return parent / f"{fence.launch}-{fence.token[:8]}"
