from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine

from tests.lake.conftest import lake
from tests.lake.topics import Topic
from tests.restatement.pool import Stream, store_batches
from tests.services import forget_topic
from tests.warehouse.test_store import new_store
from vigie.broker.offsets import read_topic
from vigie.contract.loader import get_feed
from vigie.lake.records import read_ranges
from vigie.streaming.assemble import judge
from vigie.warehouse.ledger import OffsetRange

__all__ = ["lake"]


@pytest.fixture
def source(lake: Path) -> Iterator[Topic]:
    """The empty topic of a shipped feed, so that the warehouse has its tables; an empty lake."""
    feed = get_feed("environment")
    forget_topic(feed)
    topic = Topic(feed)
    yield topic
    topic.delete()


@pytest.fixture
def streamed(spark: SparkSession, source: Topic, warehouse: Engine) -> Iterator[Stream]:
    """Readings of today and some days before, in the topic and the warehouse, not in the lake."""
    source.send(400)
    stream = go_on(spark, source, warehouse)
    yield stream
    stream.store.close()


def go_on(
    spark: SparkSession,
    source: Topic,
    engine: Engine,
    *,
    launch: int = 1,
    begins: dict[int, int] | None = None,
) -> Stream:
    """A driver's work from where the ledger ends to where the topic does, in random batches."""
    parts = read_topic(source.feed.topic).partitions
    ranges = [OffsetRange(source.id, part, *ends) for part, ends in parts.items()]
    records = judge(read_ranges(spark, source.feed, ranges), source.feed).toArrow()
    records = records.append_column("topic_id", [[source.id] * records.num_rows])
    stream = Stream(engine, source.feed, records, new_store(engine, source.feed, launch))
    store_batches(stream, records, np.random.default_rng(launch), begins or {}, topic_id=source.id)
    return stream
