"""Archive jobs killed at any moment: the next one neither loses nor doubles a record."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.lake.topics import Topic, assert_once
from tests.services import environment
from vigie.contract.loader import feed_files, get_feed
from vigie.lake.coverage import coverage
from vigie.lake.status import feeds_with_news
from vigie.settings import HOME

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark, pytest.mark.campaign]


def start(feed: str) -> subprocess.Popen[bytes]:
    job = HOME / "spark_apps" / "archive_records.py"
    return subprocess.Popen([sys.executable, str(job), feed], start_new_session=True)


@pytest.mark.timeout(1200)
def test_archives_killed_at_random_moments_leave_every_record_once(
    spark: SparkSession, lake: Path, tmp_path: Path
) -> None:
    chance = random.Random(11)
    name = f"k{chance.randrange(10**9)}"
    source = feed_files()[0]
    (tmp_path / "feeds").mkdir()
    contract = source.read_text("utf-8").replace(f"feed: {source.stem}", f"feed: {name}", 1)
    contract = contract.partition("\naliases:")[0] + "\n"
    (tmp_path / "feeds" / f"{name}.yaml").write_text(contract, "utf-8")
    with environment(VIGIE_FEEDS=str(tmp_path / "feeds")):
        topic = Topic(get_feed(name))
        topic.send(1000)
        began = time.monotonic()
        assert start(name).wait(300) == 0
        usual = time.monotonic() - began
        kills = 0
        for seed in range(1, 6):
            topic.send(2000, seed=seed)
            job = start(name)
            # The session takes the first half; what is worth killing comes after it.
            try:
                job.wait(usual * chance.uniform(0.4, 1.0))
            except subprocess.TimeoutExpired:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()
                kills += 1
        assert kills
        assert start(name).wait(300) == 0
        assert feeds_with_news([topic.feed]) == []
        assert_once(spark, topic)
        assert coverage(topic.feed).is_whole
