"""A day restated from a real lake by the Spark app, and refused when the lake lacks a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import KafkaException
from pyspark.sql import SparkSession
from sqlalchemy import Engine, delete, select
from typer.testing import CliRunner

from tests.lake.topics import Topic
from tests.restatement.pool import Stream, store_batches
from tests.warehouse.test_store import new_store
from vigie.broker.admin import get_admin
from vigie.cli.app import app
from vigie.contract.loader import get_feed
from vigie.errors import RestatementRefused
from vigie.lake.archive import archive
from vigie.lake.place import DAY, file_sizes, lake_uri, open_table
from vigie.lake.read import read_days
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement.record import recent
from vigie.restatement.restate import Why, restate_day
from vigie.settings import get_settings
from vigie.streaming.assemble import judge
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


@pytest.fixture
def streamed(spark: SparkSession, lake: Path, warehouse: Engine) -> Iterator[Stream]:
    """A topic of today's and earlier readings, all of them stored and archived."""
    feed = get_feed("environment")
    with suppress(KafkaException):  # Another test's, on the shared broker.
        get_admin().delete_topics([feed.topic], operation_timeout=30)[feed.topic].result(30)
    topic = Topic(feed)
    topic.send(400)
    archive(spark, topic.feed)
    days = {row[0] for row in _days(spark, topic)}
    records = judge(
        read_days(spark, topic.feed, [None, *(datetime.fromisoformat(d).date() for d in days)]),
        topic.feed,
        carry=("topic_id",),
    ).toArrow()
    stream = Stream(warehouse, topic.feed, records, new_store(warehouse, topic.feed))
    store_batches(stream, records, np.random.default_rng(1), {}, topic_id=topic.id)
    yield stream
    stream.store.close()
    topic.delete()


def _days(spark: SparkSession, topic: Topic) -> list[tuple[str]]:
    rows = spark.read.format("delta").load(lake_uri(topic.feed.name)).select(DAY).distinct()
    return [(row[0],) for row in rows.collect() if row[0] != "unparsed"]


def test_the_app_brings_back_what_was_deleted_and_a_lost_file_refuses(
    spark: SparkSession, streamed: Stream, warehouse: Engine
) -> None:
    feed, before = streamed.feed, streamed.rows()
    reading = feed_tables(feed).reading
    with warehouse.begin() as connection:
        day = connection.scalar(select(reading.c.event_time).limit(1)).astimezone(UTC).date()
        connection.execute(delete(reading).where(reading.c.kafka_offset % 3 == 0))
    script = str(get_settings().spark_apps / "restate_day.py")
    told = ["--person", "somebody", "--reason", "lost rows"]

    done = subprocess.run(
        [sys.executable, script, feed.name, f"{day}", *told],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (row,) = recent(warehouse, feed.name, 10)
    assert (row["person"], row["reason"]) == ("somebody", "lost rows")
    assert row["came"] > 0
    assert row["rolled_up_at"] is not None
    listed = CliRunner().invoke(app, ["restatement", "list", feed.name, "--json"])
    assert listed.exit_code == 0
    assert row["restatement_id"] in listed.stdout
    for (text,) in {(f"{r['event_time'].astimezone(UTC).date()}",) for r in before[reading.name]}:
        restate_day(spark, feed, datetime.fromisoformat(text).date(), Why("tests"))
    assert streamed.rows()[reading.name] == before[reading.name]
    assert reconcile(feed, warehouse, patience=5).unaccounted == ()

    table = open_table(feed.name)
    assert table is not None
    lost = next(path for path in file_sizes(table) if path.startswith(f"{DAY}={day}/"))
    (Path(lake_uri(feed.name)) / lost).unlink()
    with pytest.raises(RestatementRefused, match=r"partition \d, offsets \d+ to \d+"):
        restate_day(spark, feed, day, Why("tests"))
    assert streamed.rows()[reading.name] == before[reading.name]
