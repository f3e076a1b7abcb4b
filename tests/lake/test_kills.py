"""Archive jobs killed at any moment: the next one neither loses nor doubles a record."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.lake.topics import Topic, assert_once, data_files
from tests.local_stack import wait_for, wait_until_free
from tests.services import environment
from vigie.contract.feed import Feed
from vigie.contract.loader import feed_files, get_feed
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage
from vigie.lake.place import lock_name, open_table
from vigie.lake.status import feeds_with_news
from vigie.settings import HOME

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


@pytest.fixture
def named(spark: SparkSession, lake: Path, tmp_path: Path) -> Iterator[Topic]:
    """A topic whose feed a process of its own finds by name, with 1,000 messages archived."""
    name = f"k{random.randrange(10**9)}"
    source = feed_files()[0]
    (tmp_path / "feeds").mkdir()
    contract = source.read_text("utf-8").replace(f"feed: {source.stem}", f"feed: {name}", 1)
    contract = contract.partition("\naliases:")[0] + "\n"
    (tmp_path / "feeds" / f"{name}.yaml").write_text(contract, "utf-8")
    with environment(VIGIE_FEEDS=str(tmp_path / "feeds")):
        topic = Topic(get_feed(name))
        topic.send(1000)
        archive(spark, topic.feed)
        yield topic


def start(feed: str) -> subprocess.Popen[bytes]:
    job = HOME / "spark_apps" / "archive_records.py"
    return subprocess.Popen([sys.executable, str(job), feed], start_new_session=True)


def kill(job: subprocess.Popen[bytes]) -> None:
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def commits(feed: Feed) -> int:
    table = open_table(feed.name)
    assert table is not None
    return table.version()


def assert_next_finishes(spark: SparkSession, topic: Topic) -> None:
    wait_until_free(lock_name(topic.feed.name))
    archive(spark, topic.feed)
    assert feeds_with_news([topic.feed]) == []
    assert_once(spark, topic)
    assert coverage(topic.feed).is_whole


def kill_when(is_time: Callable[[], bool], topic: Topic) -> None:
    job = start(topic.feed.name)

    def look() -> bool:
        assert job.poll() is None, "it ended before it could be killed"
        return is_time()

    wait_for(look, "the moment to kill", pause=0.002)
    kill(job)


def test_killed_between_the_files_and_the_commit(spark: SparkSession, named: Topic) -> None:
    named.send(3000, seed=1)
    before, number = data_files(named.feed), commits(named.feed)

    kill_when(lambda: data_files(named.feed) > before, named)

    assert commits(named.feed) == number
    assert_next_finishes(spark, named)


@pytest.mark.campaign
def test_killed_right_after_the_commit(spark: SparkSession, named: Topic) -> None:
    named.send(3000, seed=1)
    number = commits(named.feed)

    kill_when(lambda: commits(named.feed) > number, named)

    assert feeds_with_news([named.feed]) == []
    assert_next_finishes(spark, named)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_killed_at_random_moments(spark: SparkSession, named: Topic) -> None:
    chance = random.Random(11)
    named.send(1000, seed=9)
    began = time.monotonic()
    assert start(named.feed.name).wait(300) == 0
    usual = time.monotonic() - began
    kills = 0
    for seed in range(1, 6):
        named.send(2000, seed=seed)
        job = start(named.feed.name)
        # The session takes the first half; what is worth killing comes after it.
        try:
            job.wait(usual * chance.uniform(0.4, 1.0))
        except subprocess.TimeoutExpired:
            kill(job)
            kills += 1
    assert kills
    assert_next_finishes(spark, named)
