"""A day restated from a real lake by the Spark app, and what becomes of it where records lack."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, delete, select
from typer.testing import CliRunner

from tests.lake.topics import Topic, assert_once
from tests.restatement.conftest import go_on
from tests.restatement.pool import Stream
from tests.restatement.same import assert_clean, assert_same
from vigie.cli.app import app
from vigie.errors import RestatementRefused
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage
from vigie.lake.ledger import read_ledger
from vigie.lake.place import DAY, UNPARSED, lake_uri
from vigie.lake.read import read_days
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.restatement.record import Why, recent
from vigie.restatement.restate import restate_day
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


def days_of(stream: Stream) -> list[date]:
    name = feed_tables(stream.feed).reading.name
    return sorted({row["event_time"].astimezone(UTC).date() for row in stream.rows()[name]})


def batch_no(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(core.fence.c.batch_no)).scalar_one()


def test_the_app_brings_back_what_was_deleted(
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
    for one in {r["event_time"].astimezone(UTC).date() for r in before[reading.name]}:
        restate_day(spark, feed, one, Why("tests"))
    assert_same(before, streamed.rows())
    assert_clean(streamed)


def test_a_lake_partition_that_was_removed_refuses_its_day_alone(
    spark: SparkSession, streamed: Stream, warehouse: Engine, lake: Path
) -> None:
    feed = streamed.feed
    archive(spark, feed)
    day, other, *_ = days_of(streamed)
    reading = feed_tables(feed).reading
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(reading.c.kafka_offset % 7 == 0))
    before, quarantine, number = streamed.rows(), streamed.quarantine(), batch_no(warehouse)
    records = read_days(spark, feed, [day]).select("partition", "offset").collect()
    lost = {(row.partition, row.offset) for row in records}
    shutil.rmtree(lake / feed.name / f"{DAY}={day}")

    with pytest.raises(RestatementRefused) as refused:
        restate_day(spark, feed, day, Why("tests"))

    ranges = re.findall(r"partition (\d+), offsets (\d+) to (\d+)", str(refused.value))
    named = {(int(p), o) for p, first, last in ranges for o in range(int(first), int(last) + 1)}
    assert named == lost
    assert streamed.rows() == before
    assert streamed.quarantine() == quarantine
    assert batch_no(warehouse) == number
    assert recent(warehouse, feed.name, 10) == []
    assert restate_day(spark, feed, other, Why("tests")).came > 0

    shutil.rmtree(Path(lake_uri(feed.name)) / f"{DAY}={UNPARSED}")
    with pytest.raises(RestatementRefused, match=UNPARSED):
        restate_day(spark, feed, other, Why("tests"))


def test_a_warehouse_restored_from_an_older_backup(
    spark: SparkSession, streamed: Stream, source: Topic, warehouse: Engine, postgres: Stack
) -> None:
    feed = streamed.feed
    archive(spark, feed)
    ends = read_ledger(feed).ends(source.id)
    streamed.store.close()
    with restored_after(postgres, warehouse):
        source.send(200, seed=1)
        later = go_on(spark, source, warehouse, launch=2, begins=ends)
        archive(spark, feed)
        expected = later.rows()
        later.store.close()

    archive(spark, feed)

    assert_once(spark, source)
    assert coverage(feed).is_whole
    # The ledger is as old as the backup: the stream reads once more what was archived already.
    again = go_on(spark, source, warehouse, launch=2, begins=ends)
    archive(spark, feed)
    assert_same(expected, again.rows())
    for day in days_of(again):
        assert restate_day(spark, feed, day, Why("tests")).batch_no is None
    assert_clean(again)
    assert_once(spark, source)
    again.store.close()


@contextmanager
def restored_after(postgres: Stack, engine: Engine) -> Iterator[None]:
    """Copy the warehouse, and put the copy in its place at the end of the block."""
    name = f"{engine.url.database}"
    copy = "CREATE DATABASE {} TEMPLATE {} OWNER vigie_owner".format
    engines = (engine, get_engine())
    with connect(postgres) as connection:
        for one in engines:
            one.dispose()
        connection.execute(copy(f"{name}_backup", name))
        yield
        for one in engines:
            one.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(copy(name, f"{name}_backup"))
        connection.execute(f"DROP DATABASE {name}_backup")
