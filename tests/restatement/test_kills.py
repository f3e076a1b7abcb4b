"""Restatements killed at each step: all of it or nothing is done, and the next one finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date

import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, delete, func, select

from tests.lake.topics import Topic, assert_once, data_files
from tests.local_stack import wait_for, wait_until_free
from tests.restatement.pool import Stream
from tests.restatement.same import assert_clean, assert_same
from vigie.broker.offsets import read_topic
from vigie.lake.coverage import coverage
from vigie.lake.ledger import read_ledger
from vigie.lake.place import lock_name, open_table
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.restatement.restate import Why, restate_day
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]

rarely = pytest.mark.campaign
STEPS = [
    pytest.param("archive", marks=rarely),
    pytest.param("judge", marks=rarely),
    pytest.param("compute", marks=rarely),
    "swap",
    pytest.param("finish", marks=rarely),
]


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_restatement_leaves_all_or_nothing(
    spark: SparkSession, streamed: Stream, source: Topic, postgres: Stack, step: str
) -> None:
    whole = streamed.rows()
    day = lose_a_third(streamed)
    broken = streamed.rows()

    with held_at(step, source, postgres, streamed.engine) as is_there:
        job = start(streamed.feed.name, day)
        wait_for(lambda: is_there() or ended(job), f"the restatement to reach {step}", pause=0.005)
        os.killpg(job.pid, signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL
    wait_for(lambda: nobody_works(postgres, streamed.engine), "its sessions to end")
    for lock in (f"restatement {source.feed.name}", lock_name(source.feed.name)):
        wait_until_free(lock)

    committed = step == "finish"
    assert restatements(streamed.engine) == [False] * committed
    assert_same(whole if committed else broken, streamed.rows())
    done = restate_day(spark, streamed.feed, day, Why("tests"))
    assert (done.came > 0) != committed
    assert_same(whole, streamed.rows())
    assert_clean(streamed)
    assert all(restatements(streamed.engine))
    assert restate_day(spark, streamed.feed, day, Why("tests")).batch_no is None
    assert_once(spark, source)
    assert coverage(source.feed).is_whole


def start(feed: str, day: date) -> subprocess.Popen[bytes]:
    job = get_settings().spark_apps / "restate_day.py"
    command = [sys.executable, str(job), feed, f"{day}", "--person", "tests"]
    return subprocess.Popen(command, start_new_session=True)


def ended(job: subprocess.Popen[bytes]) -> bool:
    assert job.poll() is None, "it ended before it could be killed"
    return False


@contextmanager
def held_at(
    step: str, source: Topic, postgres: Stack, engine: Engine
) -> Iterator[Callable[[], bool]]:
    """Hold a restatement at a step; yields whether it is there.

    What cannot be held is seen when it happens: a file of the lake that no commit names yet, and
    then the commit.
    """
    facts = feed_tables(source.feed)
    reading, hourly = facts.reading, facts.hourly
    tables = {"compute": reading, "swap": core.sensor_clock, "finish": hourly}
    if step == "archive":
        assert open_table(source.feed.name) is None
        yield lambda: bool(data_files(source.feed))
        assert open_table(source.feed.name) is None
    elif step == "judge":
        ends = {part: end for part, (_, end) in read_topic(source.feed.topic).partitions.items()}
        yield lambda: read_ledger(source.feed).ends(source.id) == ends
    else:
        # The swap has changed readings, alerts and panes when it comes to the clocks.
        mode = "SHARE" if step == "swap" else "ACCESS EXCLUSIVE"
        table = tables[step].fullname
        with connect(postgres, engine.url.database) as connection, connection.transaction():
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield lambda: is_waiting(postgres, engine, table)


def is_waiting(postgres: Stack, engine: Engine, table: str) -> bool:
    """Whether a session waits for the table."""
    query = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE NOT l.granted AND l.relation = %s::regclass AND a.datname = %s"
    )
    database = engine.url.database
    with connect(postgres, database) as connection:
        row = connection.execute(query, (table, database)).fetchone()
    return row is not None and row[0] > 0


def nobody_works(postgres: Stack, engine: Engine) -> bool:
    """Whether no session is within a transaction: those of the killed process are undone."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND xact_start IS NOT NULL"
    with connect(postgres) as connection:
        row = connection.execute(query, (engine.url.database,)).fetchone()
    return row is not None and row[0] == 0


def restatements(engine: Engine) -> list[bool]:
    """Whether each restatement that committed is finished, roll-ups and all."""
    t = core.restatement.c
    with engine.connect() as connection:
        query = select(t.rolled_up_at.is_not(None)).order_by(t.restated_at)
        return list(connection.execute(query).scalars())


def lose_a_third(stream: Stream) -> date:
    """Delete a third of a day's readings behind everybody's back; returns the day."""
    reading = feed_tables(stream.feed).reading
    at = reading.c.event_time
    with stream.engine.begin() as connection:
        day: date = connection.scalar(select(func.max(at))).astimezone(UTC).date()
        mine = func.date(func.timezone("UTC", at)) == day
        connection.execute(delete(reading).where(mine, reading.c.kafka_offset % 3 == 0))
    return day
