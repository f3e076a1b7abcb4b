"""Compactions killed in the middle: the month is as before, and the next run finishes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.local_stack import wait_for
from tests.services import environment, postgres_stack
from vigie.contract.loader import load_feeds
from vigie.local.postgres import connect
from vigie.local.stack import Stack

pytestmark = pytest.mark.warehouse

FEED = next(feed for feed in load_feeds().values() if not feed.status and not feed.position)
TABLE = f"fact.{FEED.name}_reading"
MONTH = f"{TABLE}_202601"
READINGS = 200_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server of its own: it restarts all its sessions when one is killed."""
    folder = tmp_path_factory.mktemp("killed") / "state"
    with postgres_stack(folder) as stack, environment(VIGIE_STATE=str(stack.state)):
        yield stack


@pytest.fixture
def dead_rows(server: Stack) -> Callable[[str], object]:
    """A closed month, two fifths of whose rows are dead; gives how to query it."""
    fill = (
        f"INSERT INTO {TABLE} (sensor_id, event_time, is_late, kafka_partition, kafka_offset, "
        "batch_no) SELECT n % 50, '2026-01-05 00:00+00'::timestamptz + n * interval '1 second', "
        f"false, 0, n, n / 1000 FROM generate_series(1, {READINGS}) n"
    )
    with connect(server, "vigie") as connection:
        connection.execute("SELECT ops.ensure_month(%s, '2026-01-01')", (f"{FEED.name}_reading",))
        connection.execute(f"TRUNCATE {TABLE}")
        connection.execute("TRUNCATE ops.compaction, ops.day_count")
        connection.execute(fill)
        connection.execute(f"UPDATE {TABLE} SET is_late = true WHERE kafka_offset % 3 < 2")

    def ask(query: str) -> object:
        with connect(server, "vigie") as connection:
            return connection.execute(query).fetchall()

    return ask


def compaction(*options: str) -> subprocess.Popen[bytes]:
    vigie = str(Path(sys.executable).with_name("vigie"))
    command = [vigie, "compact", FEED.name, "--month", "2026-01", *options]
    return subprocess.Popen(command, start_new_session=True)


def whole(ask: Callable[[str], object]) -> object:
    return ask(f"SELECT count(*), sum(hashtextextended(r::text, 0)) FROM {TABLE} r")


def shape(ask: Callable[[str], object]) -> object:
    """The month's files and indexes."""
    return ask(
        "SELECT c.relname, c.relfilenode, i.indisvalid FROM pg_class c "
        "LEFT JOIN pg_index i ON i.indexrelid = c.oid "
        f"WHERE c.oid = '{MONTH}'::regclass OR i.indrelid = '{MONTH}'::regclass ORDER BY 1"
    )


rarely = pytest.mark.campaign


@pytest.mark.parametrize("victim", ["client", pytest.param("session", marks=rarely)])
def test_a_killed_rewrite_leaves_the_month_as_it_was(
    server: Stack, dead_rows: Callable[[str], object], victim: str
) -> None:
    ask, before = dead_rows, (whole(dead_rows), shape(dead_rows))
    job = compaction()
    with connect(server, "vigie") as connection:
        pid = wait_for(lambda: rewriting(connection, job), "the rewrite to begin", pause=0.001)
    if victim == "client":
        os.killpg(job.pid, signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL
    else:
        os.kill(pid, signal.SIGKILL)
        assert job.wait(60) != 0
    wait_for(lambda: nobody_works(server), "its sessions to end")

    assert (whole(ask), shape(ask)) == before
    assert ask("SELECT count(*) FROM ops.compaction WHERE steps LIKE '%rewrite%'") == [(0,)]

    assert compaction().wait(120) == 0
    assert whole(ask) == before[0]
    assert shape(ask) != before[1]
    assert len(shape(ask)) == len(before[1])
    told = f"SELECT steps, dead_after FROM ops.compaction WHERE table_name = '{FEED.name}_reading'"
    assert ask(told) == [("rewrite", 0)]


def rewriting(connection: psycopg.Connection, job: subprocess.Popen[bytes]) -> int | None:
    assert job.poll() is None, "it ended before it could be killed"
    query = "SELECT pid FROM pg_stat_progress_cluster WHERE command = 'CLUSTER'"
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def nobody_works(server: Stack) -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = 'vigie' "
        "AND usename = 'vigie_owner' AND backend_type = 'client backend'"
    )
    try:
        with connect(server) as connection:
            return connection.execute(query).fetchone() == (0,)
    except psycopg.OperationalError:
        return False  # It recovers.


@rarely
def test_a_killed_expiry_removes_and_counts_nothing(
    server: Stack, dead_rows: Callable[[str], object], tmp_path: Path
) -> None:
    ask, before = dead_rows, whole(dead_rows)
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    contract = Path(os.environ.get("VIGIE_FEEDS", "include/feeds")) / f"{FEED.name}.yaml"
    text = contract.read_text() + "\nretention: {readings: 30 days}\n"
    (feeds / contract.name).write_text(text)
    with environment(VIGIE_FEEDS=str(feeds)), connect(server, "vigie") as reader:
        with reader.transaction():
            reader.execute(f"SELECT count(*) FROM {TABLE}")
            job = compaction()
            wait_for(lambda: waits(server, job), "the expiry to wait for the reader", pause=0.01)
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
        wait_for(lambda: nobody_works(server), "its sessions to end")
        assert whole(ask) == before
        assert ask("SELECT coalesce(sum(expired), 0) FROM ops.day_count") == [(0,)]

        assert compaction().wait(120) == 0
        assert whole(ask) == [(0, None)]
        assert ask("SELECT sum(expired) FROM ops.day_count") == [(READINGS,)]


def waits(server: Stack, job: subprocess.Popen[bytes]) -> bool:
    assert job.poll() is None, "it ended before it could be killed"
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    with connect(server) as connection:
        return connection.execute(query).fetchone() != (0,)
