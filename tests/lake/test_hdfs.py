"""The same lake on a real HDFS, by setting alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.lake.hdfs import running_hdfs
from tests.lake.topics import Topic, assert_once
from tests.services import environment
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage
from vigie.lake.maintain import maintain
from vigie.lake.status import lake_status

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


def test_archive_compact_vacuum_and_read_on_hdfs(
    spark: SparkSession, topic: Topic, tmp_path: Path
) -> None:
    (tmp_path / "hdfs").mkdir()
    with running_hdfs(tmp_path / "hdfs") as address, environment(VIGIE_LAKE=f"{address}/lake"):
        for seed in range(2):
            topic.send(300, seed=seed)
            archive(spark, topic.feed)
        made = maintain(topic.feed, kept=timedelta(), few=1)
        assert made is not None
        assert made.files_after < made.files_before
        assert made.vacuumed >= made.files_before - made.files_after
        topic.send(100, seed=9)
        assert archive(spark, topic.feed).messages == 100
        assert_once(spark, topic)
        assert coverage(topic.feed).is_whole
        assert lake_status(topic.feed).uri == f"{address}/lake/{topic.feed.name}"
