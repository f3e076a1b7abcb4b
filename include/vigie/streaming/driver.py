"""One driver's life: claim the launch, raise the fence, find the begins, stream, end cleanly."""

from __future__ import annotations

import logging

from pyspark.sql.streaming.query import StreamingQuery
from sqlalchemy import Engine

from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics, refuse_compacted
from vigie.contract.feed import Feed
from vigie.errors import GapFound, Superseded
from vigie.streaming.assemble import StoreBatches, assemble
from vigie.streaming.batch_metrics import show_metrics
from vigie.streaming.commit import Fence
from vigie.streaming.disk import WaitForDisk
from vigie.streaming.documents import open_documents
from vigie.streaming.gate import Gate
from vigie.streaming.heartbeat import Heartbeat, Pulse
from vigie.streaming.hot_swap import open_hot_swap, open_scorer
from vigie.streaming.lag import LagProbe
from vigie.streaming.launch import (
    claim,
    launches_without_commit,
    raise_fence,
    record_end,
    record_failure,
    record_gaps,
)
from vigie.streaming.messages import AlertMessages
from vigie.streaming.offsets import Begins, find_begins, has_read, starting_offsets
from vigie.streaming.scratch import new_scratch_folder
from vigie.streaming.session import open_session, read_kafka
from vigie.streaming.store import Store
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.verify import require_tables

log = logging.getLogger(__name__)

_FEWEST_ROWS = 1000


def run_driver(feed: Feed, launch: int) -> int:
    """Run the stream of a feed as one launch until it is asked to stop.

    Returns:
        The exit code: 0 if the driver ended on purpose (stopped, superseded, blocked, or the
        launch was claimed already), 1 after a failure, which is recorded in the launch.
    """
    fence = claim(get_engine(), feed.name, launch)
    if fence is None:
        log.warning("%s: launch %d is claimed already; nothing to do", feed.name, launch)
        return 0
    try:
        driver = Driver(feed, fence)
    except Exception as error:
        return _failed(feed, launch, error)
    return driver.run()


def _failed(feed: Feed, launch: int, error: Exception) -> int:
    log.error("%s: launch %d failed", feed.name, launch, exc_info=error)
    record_failure(get_engine(), feed.name, launch, error)
    return 1


class Driver:
    """A driver that has claimed its launch."""

    def __init__(self, feed: Feed, fence: Fence) -> None:
        self._feed, self._fence = feed, fence
        self._engine: Engine = get_engine()
        self._pulse = Pulse()
        self._gate: Gate | None = None
        self._heartbeat = Heartbeat(feed.name, fence.launch, self._pulse)
        self._messages = AlertMessages(feed.name, self._engine)
        self._hot_swap = open_hot_swap(feed, self._pulse)
        self._store = Store(
            open_warehouse(self._engine),
            self._engine,
            feed,
            fence=fence,
            pulse=self._pulse,
            documents=open_documents(feed, fence.launch),
            scorer=open_scorer(feed, self._hot_swap),
            tell_messages=self._messages.wake,
        )

    def run(self) -> int:
        """Stream until the end, record how it came, and return the exit code."""
        name, launch = self._feed.name, self._fence.launch
        self._heartbeat.start()
        show_metrics()
        try:
            outcome = self._stream()
            record_end(self._engine, name, launch, outcome)
            log.info("%s: launch %d ended: %s", name, launch, outcome)
            return 0
        except Exception as error:
            return _failed(self._feed, launch, error)
        finally:
            # A batch may still be in hand, if the JVM died first: its connection is its own, and
            # the end of the process undoes it.
            if self._gate is None or self._gate.try_close():
                self._store.close()
            self._messages.stop()
            if self._hot_swap is not None:
                self._hot_swap.stop()
            self._heartbeat.stop()

    def _stream(self) -> str:
        try:
            require_tables(self._feed, self._engine)
            raise_fence(self._engine, self._feed.name, self._fence)
            self._messages.start()
            if self._hot_swap is not None:
                # While Spark starts the model is read.
                self._hot_swap.start()
            begins = self._store.patiently(self._begins)
            if begins.gaps:
                record_gaps(self._engine, self._feed.name, begins.gaps)
                self._pulse.phase = "blocked"
                return "blocked"
            self._run_query(begins)
        except Superseded as error:
            log.warning("%s", error)
            return "superseded"
        except GapFound as error:
            return self._blocked(error)
        return "stopped"

    def _blocked(self, error: GapFound) -> str:
        """Name what is gone; a hole that is in no gap row waits for `vigie stream restart`."""
        log.error("%s", error)
        self._pulse.phase = "blocked"
        record_gaps(self._engine, self._feed.name, self._store.patiently(self._begins).gaps)
        record_failure(self._engine, self._feed.name, self._fence.launch, error, outcome="blocked")
        return "blocked"

    def _begins(self) -> Begins:
        session = self._store.open()
        # A topic that has vanished is not made anew: that is for a person to decide.
        if not has_read(session, self._feed):
            ensure_topics([self._feed])
        refuse_compacted(self._feed.topic)
        return find_begins(session, self._feed, read_topic(self._feed.topic))

    def _run_query(self, begins: Begins) -> None:
        feed = self._feed
        scratch = new_scratch_folder(feed, self._fence)
        records = read_kafka(
            open_session(f"vigie {feed.name}"),
            feed,
            starting=starting_offsets(feed, begins.offsets),
            max_rows=self._max_rows(),
        )
        ends = dict(begins.offsets)
        probe = LagProbe(feed.topic, self._pulse, lambda: ends)
        batches = StoreBatches(
            feed, self._store, probe, scratch=scratch, topic_id=begins.topic_id, ends=ends
        )
        gate = self._gate = Gate(batches)
        # Outside the gate: what waits for the disk is no batch in hand.
        waiting = WaitForDisk(gate, self._pulse, stop=self._heartbeat.stop_requested)
        query = assemble(records, feed, scratch=scratch, batch_function=waiting).start()
        probe.start()
        self._pulse.phase = "running"
        self._await(query, gate)
        probe.stop()

    def _max_rows(self) -> int:
        """A tenth after each launch in a row that died without a commit, for want of memory say."""
        failed = launches_without_commit(self._engine, self._feed.name, self._fence.launch)
        return max(self._feed.stream.max_rows // int(10**failed), _FEWEST_ROWS)

    def _await(self, query: StreamingQuery, gate: Gate) -> None:
        """Wait until the query ends by an error, or stop it when asked.

        Raises:
            Exception: What the batch function raised, or else what Spark reports of the query.
        """
        while query.isActive and not self._heartbeat.stop_requested.wait(0.5):
            pass
        if query.isActive:
            self._pulse.phase = "stopping"
            gate.close()
            query.stop()
        if gate.error is not None:
            raise gate.error
        query.awaitTermination()
