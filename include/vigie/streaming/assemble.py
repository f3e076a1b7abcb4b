"""A stream in one sentence: parse, check and flag the records; split each batch; store it.

    Kafka records ─ parse ─ check ─ flag ─▶ one Arrow table ─ split ─▶ one transaction
                                                              │         (store.py, commit.py)
                            accepted readings, and messages ──┘
                            for quarantine, with a reason

Check finds what cannot be stored: malformed, out of its valid range, from the future. Flag marks
what is stored all the same: late readings, and those that meet an alert rule. Spark evaluates
columns and filters nothing: a row that fails a check carries the number of that check.

The batch function then holds the whole batch as one Arrow table in the driver (the Spark process of
this feed), the only place where a batch commits. One transaction holds all of it: the fence (a row
that only the newest launch passes), the ledger (which offsets were read, and what became of them),
copies (an identity, sensor and event time, that is stored already: counted, not stored again; with
other values: quarantine), readings, panes (sums per sensor and minute or so), alerts, quarantine.
An alert that opens or clears leaves a message in the same transaction, which goes to Kafka
afterwards.

The ledger is the checkpoint, hence exactly once: a launch begins where the ledger ends, whatever
became of the one before. Spark's own checkpoint is kept in a scratch folder; it tells what each
batch plans to read, and no launch resumes from it. Offsets that are missing block the stream until
a person decides (`vigie stream resume`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from vigie.broker.offsets import read_topic
from vigie.contract.feed import Feed
from vigie.errors import GapFound
from vigie.streaming.batch_metrics import batch_seconds, late_readings
from vigie.streaming.check import check
from vigie.streaming.commit import Batch
from vigie.streaming.flag import flag
from vigie.streaming.lag import LagProbe
from vigie.streaming.offsets import planned_ranges
from vigie.streaming.parse import parse
from vigie.streaming.split import split
from vigie.streaming.store import Store

log = logging.getLogger(__name__)

BatchFunction = Callable[[DataFrame, int], None]


def judge(records: DataFrame, feed: Feed, *, carry: Sequence[str] = ()) -> DataFrame:
    """What Spark does with records, in a stream or in bulk: parse → check → flag.

    `carry` names further columns of `records` that the result keeps.
    """
    return flag(check(parse(records, feed, carry=carry), feed), feed)


def assemble(
    records: DataFrame, feed: Feed, *, scratch: Path, batch_function: BatchFunction
) -> DataStreamWriter:
    """Build the stream's query, not yet started; the driver (driver.py) starts and stops it."""
    trigger = f"{feed.stream.trigger.total_seconds() * 1000:.0f} milliseconds"
    return (
        judge(records, feed)
        .writeStream.queryName(feed.name)
        .foreachBatch(batch_function)
        .option("checkpointLocation", str(scratch))
        .trigger(processingTime=trigger)
    )


class StoreBatches:
    """The batch function: plans, splits and stores one batch after the other.

    `ends` maps each partition to the next offset to store; it is changed in place, because the
    lag probe reads it.
    """

    def __init__(
        self,
        feed: Feed,
        store: Store,
        probe: LagProbe,
        *,
        scratch: Path,
        topic_id: str,
        ends: dict[int, int],
    ) -> None:
        self._feed, self._store, self._probe = feed, store, probe
        self._scratch, self._topic_id = scratch, topic_id
        self.ends = ends

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Store the batch; its ranges are those Spark planned.

        Raises:
            GapFound: The topic was made anew, or offsets in the middle are gone; the stream is
                blocked until a person decides.
        """
        ranges = planned_ranges(self._scratch, batch_id, self._feed, self._topic_id, self.ends)
        if not ranges:
            return
        began = time.monotonic()
        table = records.toArrow()
        evaluated = time.monotonic()
        # After the read, so that a topic made anew before or during it is noticed.
        self._require_same_topic()
        read = _messages_read(table)
        for part in ranges:
            missing = part.end - part.begin - read.get(part.partition, 0)
            if missing and not self._feed.kafka.transactions:
                message = (
                    f"{self._feed.name}: {missing} of offsets {part.begin} to {part.end - 1} in "
                    f"partition {part.partition} hold no message; expected one each, since the "
                    "contract does not say `kafka: {transactions: true}`"
                )
                raise GapFound(message)
        parts = split(table, self._feed)
        taken_apart = time.monotonic()
        self._store.store(Batch(ranges=ranges, read=read, split=parts))
        self.ends |= {part.partition: part.end for part in ranges}
        stored = time.monotonic()
        log.info(
            "%s: stored %d messages; Spark took %.2f s, the warehouse %.2f s",
            *(self._feed.name, table.num_rows, evaluated - began, stored - evaluated),
        )
        phases = {
            "spark": evaluated - began,
            "split": taken_apart - evaluated,
            "warehouse": stored - taken_apart,
        }
        for phase, seconds in phases.items():
            batch_seconds.labels(self._feed.name, phase).observe(seconds)
        late = pc.sum(parts.accepted["is_late"]).as_py()
        late_readings.labels(self._feed.name).inc(late or 0)

    def _require_same_topic(self) -> None:
        topic = self._store.patiently(lambda: read_topic(self._feed.topic))
        if topic.topic_id != self._topic_id:
            message = (
                f"{self._feed.name}: topic {self._feed.topic} was made anew while the stream ran "
                f"(id {self._topic_id} is now {topic.topic_id}); the batch was not stored"
            )
            raise GapFound(message)
        self._probe.observe(topic)


def _messages_read(table: pa.Table) -> dict[int, int]:
    counts = pc.value_counts(table["kafka_partition"].combine_chunks())
    return {row["values"]: row["counts"] for row in counts.to_pylist()}
