"""Append what the topic has and the lake lacks: plan, read, parse, append; under one lock per feed.

    topic's ends ─┐
    lake's ledger ┴ plan ─▶ bounded Kafka read ─▶ parse ─▶ ONE Delta commit: rows and ledger

The commit is the only thing that counts: killed before it nothing has happened, after it the next
run begins behind it. The lock spares work; without it `txnVersion` would still let one append win.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from sqlalchemy import Engine

from vigie.broker.offsets import TopicState, read_topic
from vigie.broker.topics import refuse_compacted
from vigie.contract.feed import Feed
from vigie.errors import LakeBusy, LakeError
from vigie.lake.display import show
from vigie.lake.ledger import APP, LakeLedger, LostRange, read_ledger
from vigie.lake.place import DAY, lake_uri, lock_name, open_table
from vigie.lake.plan import MOST, Plan, plan
from vigie.lake.records import lake_rows, read_ranges
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.ledger import OffsetRange

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archived:
    """What one run did; an operator must hear of `faults` and `lost`, though the rest is safe."""

    feed: str
    messages: int
    commits: int
    lost: tuple[LostRange, ...]
    faults: tuple[str, ...]


def archive(
    spark: SparkSession, feed: Feed, *, most: int = MOST, engine: Engine | None = None
) -> Archived:
    """Archive everything the topic held when the run began, `most` messages in a commit.

    Raises:
        LakeBusy: Another process archives this feed.
        LakeError: The lake's table is not one of ours, or another append got in between.
        BrokerError: The broker is away, or the topic is missing or compacted.
    """
    engine = engine or get_engine()
    with open_warehouse(engine).hold(lock_name(feed.name)) as held:
        if not held:
            message = f"{feed.name}: another process works on its lake; nothing was done"
            raise LakeBusy(message)
        return _archive(spark, feed, most, engine)


def _archive(spark: SparkSession, feed: Feed, most: int, engine: Engine) -> Archived:
    refuse_compacted(feed.topic)
    topic = read_topic(feed.topic)
    ledger = read_ledger(feed)
    messages = commits = 0
    lost: list[LostRange] = []
    faults: list[str] = []
    while True:
        step = plan(ledger, topic, most=most)
        if not step.ranges and not step.lost:
            faults += step.faults
            break
        ledger, written, control = _append(spark, feed, topic, ledger, step)
        commits, messages = commits + 1, messages + written
        lost += step.lost
        if control and not feed.kafka.transactions:
            faults.append(
                f"commit {ledger.number}: {control} offsets hold no message. Expected none unless "
                "the contract says `kafka: {transactions: true}`"
            )
        log.info("%s: commit %d, %d messages", feed.name, ledger.number, written)
    table = open_table(feed.name)
    if table is not None and commits:
        show(engine, feed, table, ledger, maintained=False)
    return Archived(feed.name, messages, commits, tuple(lost), tuple(faults))


def _append(
    spark: SparkSession, feed: Feed, topic: TopicState, ledger: LakeLedger, step: Plan
) -> tuple[LakeLedger, int, int]:
    """Append the planned ranges; returns the ledger after it, messages written, offsets without."""
    after = ledger.after(step.ranges, step.lost)
    uri = lake_uri(feed.name)
    table = open_table(feed.name)
    stored = None if table is None else T.StructType.fromJson(json.loads(table.schema().to_json()))
    # A run that only finds a loss writes no row, but its commit tells.
    ranges = step.ranges or (OffsetRange(topic.topic_id, min(topic.partitions), 0, 0),)
    rows = lake_rows(read_ranges(spark, feed, ranges), feed, topic.topic_id, stored)
    _write(rows, uri, after)
    table = open_table(feed.name)
    written = None if table is None else table.history(1)[0]
    if written is None or written.get("userMetadata") != after.dump():
        message = f"{uri}: another append got in between, nothing was added. Run the archive again"
        raise LakeError(message)
    count = int(written["operationMetrics"]["numOutputRows"])
    return after, count, sum(part.end - part.begin for part in step.ranges) - count


def _write(rows: DataFrame, uri: str, ledger: LakeLedger) -> None:
    (
        rows.write.format("delta")
        .mode("append")
        .partitionBy(DAY)
        .option("mergeSchema", "true")
        .option("txnAppId", APP)
        .option("txnVersion", ledger.number)
        .option("userMetadata", ledger.dump())
        .save(uri)
    )
