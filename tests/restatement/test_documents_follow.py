"""Documents after a restatement are the stored rows, whenever it was killed, whoever writes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pymongo import MongoClient
from pyspark.sql import SparkSession
from sqlalchemy import Engine, func, select

from tests.restatement.pool import (
    DAY,
    Stream,
    arrange,
    judged,
    messages,
    store_batches,
    widened,
)
from tests.services import document_server, environment
from tests.warehouse.test_documents import (
    KEPT,
    assert_documents_are_the_rows,
    documents_of,
    open_launch,
)
from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway
from vigie.reconciliation import documents
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement.cut import read_cut
from vigie.restatement.due import is_due
from vigie.restatement.follow_up import finish, finish_earlier
from vigie.restatement.record import Why
from vigie.restatement.replay import replay_quarantine
from vigie.restatement.waiting import Chosen
from vigie.streaming.store import Store
from vigie.warehouse import core

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]

each_kept = pytest.mark.parametrize("feed", KEPT, ids=lambda feed: feed.name)
_WHY = Why("tests", prefer="last")
# Replays and dies at a moment named by module and function; the feed's contract comes by file.
_DIES = """
import os, pickle, signal, sys
from vigie.lake.session import open_lake_session
from vigie.restatement import {module} as module
from vigie.restatement.record import Why
from vigie.restatement.replay import replay_quarantine
from vigie.restatement.waiting import Chosen
module.{function} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
feed = pickle.load(open({file!r}, "rb"))
replay_quarantine(open_lake_session("dies"), feed, Chosen(), Why("somebody"))
"""


@pytest.fixture(scope="module")
def pools(spark: SparkSession) -> dict[tuple[str, bool], pa.Table]:
    found = {}
    for feed in KEPT:
        made = messages(feed, np.random.default_rng(3), 700)
        found[feed.name, False] = judged(spark, feed, made)
        found[feed.name, True] = judged(spark, widened(feed), made)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents") / "server"


@pytest.fixture
def server(folder: Path, warehouse: Engine) -> Iterator[str]:
    with (
        document_server(folder) as url,
        environment(
            VIGIE_DOCUMENTS=url, VIGIE_WAREHOUSE=warehouse.url.render_as_string(hide_password=False)
        ),
    ):
        with MongoClient[Any](url) as client:
            client.drop_database("vigie")
        yield url


@pytest.fixture
def stores() -> Iterator[list[Store]]:
    opened: list[Store] = []
    yield opened
    for store in opened:
        store.close()


def start(engine: Engine, pool: pa.Table, feed: Feed, stores: list[Store], seed: int) -> Stream:
    rng = np.random.default_rng(seed)
    rows = arrange(pool, rng, 2, loose=False)
    stream = Stream(engine, feed, rows, open_launch(engine, feed, 1, stores))
    store_batches(stream, rows, rng, {})
    return stream


def by_wider(stream: Stream, wide: pa.Table) -> pa.Table:
    rows = wide.take(pc.index_in(stream.records["append_time"], value_set=wide["append_time"]))
    for name in ("kafka_partition", "kafka_offset"):
        rows = rows.set_column(rows.column_names.index(name), name, stream.records[name])
    return rows


def assert_clean(stream: Stream, url: str) -> None:
    assert_documents_are_the_rows(stream.engine, url, stream.feed)
    account = reconcile(stream.feed, stream.engine, patience=0.1)
    assert (account.unaccounted, account.skipped) == ((), None)
    assert due(stream) == 0


def due(stream: Stream) -> int:
    query = select(func.count()).where(core.restatement.c.documents_due)
    with stream.engine.connect() as connection:
        return int(connection.scalar(query) or 0)


@each_kept
def test_documents_come_change_and_go_with_the_rows(
    warehouse: Engine, server: str, stores: list[Store], pools: Any, feed: Feed
) -> None:
    stream = start(warehouse, pools[feed.name, False], feed, stores, 1)
    wide = by_wider(stream, pools[feed.name, True])
    before = documents_of(server, feed), documents_of(server, feed, "latest")

    came = stream.restate(wide, feed=widened(feed))
    assert came.came > 0
    assert came.documents_due
    account = reconcile(feed, warehouse, patience=0.1)
    assert account.unaccounted == ()
    assert account.skipped == f"documents not compared of {DAY}: they follow a restatement"
    finish(warehouse, widened(feed))
    assert_clean(stream, server)
    assert documents_of(server, feed) != before[0]

    changed = stream.restate(wide, feed=widened(feed), why=_WHY)
    assert changed.changed > 0
    finish(warehouse, feed)
    assert_clean(stream, server)

    went = stream.restate()
    assert went.went > 0
    finish(warehouse, feed)
    assert_clean(stream, server)
    same = documents_of(server, feed), documents_of(server, feed, "latest")
    for new, old in zip(same, before, strict=True):
        assert {k: untold(v) for k, v in new.items()} == {k: untold(v) for k, v in old.items()}


@each_kept
@pytest.mark.parametrize("committed", [True, False], ids=["before", "after"])
def test_a_restatement_while_documents_are_compared_is_no_fault(
    warehouse: Engine,
    server: str,
    stores: list[Store],
    pools: Any,
    feed: Feed,
    committed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It commits before or after the snapshot; the documents follow when that is taken."""
    stream = start(warehouse, pools[feed.name, False], feed, stores, 7)
    wide = by_wider(stream, pools[feed.name, True])
    really = documents._document_days

    def look_late(*given: Any) -> Any:
        seen = really(*given)
        if not committed:
            stream.restate(wide, feed=widened(feed))
        finish(warehouse, feed)
        return seen if committed else really(*given)

    if committed:
        stream.restate(wide, feed=widened(feed))
    with monkeypatch.context() as patch:
        patch.setattr(documents, "_document_days", look_late)
        account = reconcile(feed, warehouse, patience=0.1)

    assert account.unaccounted == ()
    assert f"{DAY}" in (account.skipped or "")
    assert_clean(stream, server)


def untold(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "launch"}


@each_kept
def test_a_batch_in_hand_keeps_its_documents(
    warehouse: Engine, server: str, stores: list[Store], pools: Any, feed: Feed
) -> None:
    stream = start(warehouse, pools[feed.name, False], feed, stores, 2)
    wide = by_wider(stream, pools[feed.name, True])
    with MongoClient[Any](server, tz_aware=True) as client:
        database = client.get_default_database()
        readings = database[f"{feed.name}_reading"]
        ahead = readings.find_one({"event_time": {"$gte": datetime(2026, 3, 10, tzinfo=UTC)}})
        later = ahead["event_time"] + timedelta(milliseconds=1)
        ahead |= {"_id": "in hand", "event_time": later, "kafka_offset": 10**6}
        readings.insert_one(ahead)
        state = ahead | {"_id": ahead["sensor"], "event_time": later + timedelta(days=3)}
        database[f"{feed.name}_latest"].replace_one({"_id": ahead["sensor"]}, state)

    stream.restate(wide, feed=widened(feed))
    finish(warehouse, feed)

    assert due(stream) == 0
    assert documents_of(server, feed)["in hand"]["kafka_offset"] == 10**6
    assert documents_of(server, feed, "latest")[ahead["sensor"]]["kafka_offset"] == 10**6
    assert reconcile(feed, warehouse, patience=0.1).unaccounted == ()


@each_kept
@pytest.mark.parametrize("seed", range(2))
def test_the_stream_writes_on_while_documents_follow(
    warehouse: Engine, server: str, stores: list[Store], pools: Any, feed: Feed, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = arrange(pools[feed.name, False], rng, 1, loose=False)
    half = rows.num_rows // 2
    stream = Stream(warehouse, feed, rows, open_launch(warehouse, feed, 1, stores))
    store_batches(stream, rows.slice(0, half), rng, {})
    wide = by_wider(stream, pools[feed.name, True])
    run = threading.Thread(target=store_batches, args=(stream, rows, rng, {0: half}))
    run.start()
    restated = 0
    while run.is_alive() or not restated:
        for records, contract in ((wide, widened(feed)), (rows, feed)):
            stream.restate(records, feed=contract, cut=read_cut(warehouse, feed))
            finish(warehouse, contract)
            restated += 1
    run.join()
    stream.restate(wide, feed=widened(feed))
    finish(warehouse, feed)

    assert_clean(stream, server)


@each_kept
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", [("follow_up", "follow"), ("documents", "_states")])
def test_a_replay_killed_before_its_documents_is_finished_by_the_next(
    spark: SparkSession,
    warehouse: Engine,
    server: str,
    stores: list[Store],
    pools: Any,
    feed: Feed,
    moment: tuple[str, str],
    tmp_path: Path,
) -> None:
    stream = start(warehouse, pools[feed.name, False], feed, stores, 4)
    kept = tmp_path / "feed"
    import pickle

    kept.write_bytes(pickle.dumps(widened(feed)))
    dies = _DIES.format(module=moment[0], function=moment[1], file=str(kept))
    killed = subprocess.run([sys.executable, "-c", dies], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert due(stream) > 0
    assert is_due(feed, DAY + timedelta(days=400), warehouse)

    done = replay_quarantine(spark, widened(feed), Chosen(), Why("tests"), engine=warehouse)

    assert done.stored == 0
    assert_clean(stream, server)
    assert not is_due(feed, DAY + timedelta(days=400), warehouse)


@each_kept
def test_a_server_that_is_away_is_caught_up_with_by_the_next(
    warehouse: Engine, server: str, stores: list[Store], pools: Any, feed: Feed
) -> None:
    stream = start(warehouse, pools[feed.name, False], feed, stores, 5)
    stream.restate(by_wider(stream, pools[feed.name, True]), feed=widened(feed))
    with environment(VIGIE_DOCUMENTS="mongodb://127.0.0.1:9/vigie"):
        with pytest.raises(DocumentsAway, match="The rows are restated"):
            finish(warehouse, feed)
        finish_earlier(warehouse, feed)
    assert due(stream) > 0
    with environment(VIGIE_DOCUMENTS=""):
        finish(warehouse, feed)
    assert due(stream) > 0

    finish(warehouse, feed)

    assert_clean(stream, server)


@each_kept
def test_a_replay_says_what_it_did_though_the_documents_must_wait(
    spark: SparkSession,
    warehouse: Engine,
    server: str,
    stores: list[Store],
    pools: Any,
    feed: Feed,
) -> None:
    stream = start(warehouse, pools[feed.name, False], feed, stores, 6)
    with environment(VIGIE_DOCUMENTS="mongodb://127.0.0.1:9/vigie"):
        done = replay_quarantine(spark, widened(feed), Chosen(), Why("tests"), engine=warehouse)

    assert done.stored > 0
    assert "the next restatement brings the documents" in done.unfinished
    assert due(stream) > 0
