"""The lake holds every record once, byte for byte, whatever happens to archives and warehouse."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sqlalchemy import delete, select
from typer.testing import CliRunner

from tests.lake.topics import Topic, assert_once
from vigie.errors import LakeBusy
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage, missing_files
from vigie.lake.ledger import read_ledger
from vigie.lake.maintain import is_due, maintain
from vigie.lake.place import UNPARSED, lake_uri, lock_name, open_table
from vigie.lake.read import read_days
from vigie.lake.status import feeds_with_news, lake_status
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


def test_random_steps_with_compactions_hold_every_record_once(
    spark: SparkSession, topic: Topic
) -> None:
    chance = random.Random(7)
    for step in range(4):
        topic.send(chance.randrange(50, 400), seed=step)
        done = archive(spark, topic.feed, most=chance.choice([200, 10_000]))
        assert not done.lost
        assert not done.faults
        if step % 2:
            made = maintain(topic.feed, kept=timedelta(), few=1)
            assert made is not None
            assert made.files_after < made.files_before
            assert made.vacuumed >= made.files_before - made.files_after
    assert archive(spark, topic.feed).messages == 0
    assert_once(spark, topic)
    assert coverage(topic.feed).is_whole
    status = lake_status(topic.feed)
    assert sum(part.messages for part in status.partitions) == len(topic.sent)
    assert {part.trailing for part in status.partitions} == {0}
    assert not is_due(topic.feed)


def test_a_day_reads_back_as_kafka_gave_it(spark: SparkSession, topic: Topic) -> None:
    topic.send(300)
    archive(spark, topic.feed)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(6)]
    counts = [read_days(spark, topic.feed, [day]).count() for day in (*days, None)]
    assert sum(counts) == 300
    assert sum(1 for count in counts if count) >= 5
    (row,) = read_days(spark, topic.feed, days).limit(1).collect()
    sent = topic.sent[row.topic_id, row.partition, row.offset]
    assert bytes(row.value) == sent
    assert [(h.key, bytes(h.value)) for h in row.headers] == [("from", b"\x01test")]
    rows = spark.read.format("delta").load(lake_uri(topic.feed.name))
    assert rows.where(f"day = '{UNPARSED}'").where("sensor is not null").count() == 0
    assert rows.where(f"day <> '{UNPARSED}'").where("message is null").count() == 0


def test_a_warehouse_restored_from_an_older_backup_changes_nothing(
    spark: SparkSession, topic: Topic
) -> None:
    topic.send(100)
    archive(spark, topic.feed)
    with get_engine().begin() as connection:
        connection.execute(delete(core.archive))
        connection.execute(delete(core.lake))
    topic.send(50, seed=1)
    archive(spark, topic.feed)
    assert_once(spark, topic)
    with get_engine().connect() as connection:
        shown = connection.execute(select(core.archive.c.messages)).scalars().all()
    assert sum(shown) == 150


def test_two_topic_ids_and_an_added_partition_are_all_kept(
    spark: SparkSession, topic: Topic
) -> None:
    topic.send(60)
    archive(spark, topic.feed)
    topic.widen(5)
    topic.send(60, seed=1)
    assert archive(spark, topic.feed).lost == ()
    first = topic.id
    topic.delete()
    topic.create()
    assert topic.id != first
    topic.send(60, seed=2)
    done = archive(spark, topic.feed)
    assert {lost.topic_id for lost in done.lost} == {first}
    assert archive(spark, topic.feed).lost == ()
    assert_once(spark, topic)
    assert coverage(topic.feed).is_whole


def test_offsets_that_expired_are_named_once_and_the_rest_is_archived(
    spark: SparkSession, topic: Topic
) -> None:
    topic.send(200)
    last = max(offset for _, part, offset in topic.sent if part == 1)
    topic.expire(1, last)
    done = archive(spark, topic.feed)
    (lost,) = done.lost
    assert (lost.partition, lost.begin, lost.end) == (1, 0, last)
    assert archive(spark, topic.feed).lost == ()
    assert read_ledger(topic.feed).lost == (lost,)
    topic.sent = {c: v for c, v in topic.sent.items() if c[1] != 1 or c[2] >= last}
    assert_once(spark, topic)
    assert coverage(topic.feed).is_whole


def test_a_whole_partition_that_expired_is_a_commit_without_rows(
    spark: SparkSession, topic: Topic
) -> None:
    topic.send(30)
    archive(spark, topic.feed)
    ends = read_ledger(topic.feed).ends(topic.id)
    topic.send(30, seed=1)
    for part in range(3):
        topic.expire(part, max(o for _, p, o in topic.sent if p == part) + 1)
    done = archive(spark, topic.feed)
    assert done.messages == 0
    assert {lost.partition for lost in done.lost} == {0, 1, 2}
    topic.sent = {c: v for c, v in topic.sent.items() if c[2] < ends.get(c[1], 0)}
    assert_once(spark, topic)


def test_a_lake_partition_that_was_removed_is_named(
    spark: SparkSession, topic: Topic, lake: Path
) -> None:
    topic.send(200)
    archive(spark, topic.feed)
    day = next((lake / topic.feed.name).glob("day=2*"))
    table = open_table(topic.feed.name)
    gone = [path for path in table.get_add_actions(flatten=True)["path"].to_pylist()]
    gone = sorted(path for path in gone if path.startswith(day.name))
    offsets = read_days(spark, topic.feed, [datetime.fromisoformat(day.name[4:]).date()])
    expected = {(r.partition, r.offset) for r in offsets.select("partition", "offset").collect()}
    shutil.rmtree(day)
    assert sorted(missing_files(topic.feed)) == gone
    found = coverage(topic.feed)
    named = {(p.partition, o) for p in found.missing for o in range(p.begin, p.end)}
    assert named == expected
    assert not found.is_whole


def test_of_two_archives_at_once_one_leaves(spark: SparkSession, topic: Topic) -> None:
    topic.send(20)
    with open_warehouse().hold(lock_name(topic.feed.name)) as held:
        assert held
        with pytest.raises(LakeBusy, match=topic.feed.name):
            archive(spark, topic.feed)
        with pytest.raises(LakeBusy):
            maintain(topic.feed)
    archive(spark, topic.feed)
    assert_once(spark, topic)


def test_only_feeds_with_news_are_archived(spark: SparkSession, topic: Topic) -> None:
    assert feeds_with_news([topic.feed]) == []
    topic.send(10)
    assert feeds_with_news([topic.feed]) == [topic.feed.name]
    archive(spark, topic.feed)
    assert feeds_with_news([topic.feed]) == []


def test_the_plan_parses_the_json_once(spark: SparkSession, topic: Topic) -> None:
    from vigie.lake.records import lake_rows, read_ranges
    from vigie.warehouse.ledger import OffsetRange

    records = read_ranges(spark, topic.feed, [OffsetRange(topic.id, 0, 0, 0)])
    rows = lake_rows(records, topic.feed, topic.id, None).sortWithinPartitions("day")
    assert rows._jdf.queryExecution().executedPlan().toString().count("from_json") == 1


def test_status_is_a_command(topic: Topic) -> None:
    from vigie.cli import app

    result = CliRunner().invoke(app, ["lake", "status"])
    assert result.exit_code == 0, result.output
    assert "never archived" in " ".join(result.output.split())
