"""Whose turn it is to start, of several streams that wait for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from tests.dialects import mssql_in_campaign
from tests.supervision.spark_master import BookkeepingMaster
from tests.warehouse.streams import change_launch, claim, end, heartbeat, look
from vigie.contract.loader import load_feeds
from vigie.supervision.desire import start_if_new
from vigie.supervision.watch import Watcher
from vigie.warehouse.core import watch
from vigie.warehouse.moments import Ago
from vigie.warehouse.types import UtcNow

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]


def test_two_streams_start_at_a_time_and_the_next_follows(
    engine: Engine, master: BookkeepingMaster
) -> None:
    names = list(load_feeds())[:4]
    watchers = {name: Watcher(name, engine=engine, master=master.client()) for name in names}
    for name in names:
        start_if_new(engine, name, person="somebody")

    def launched() -> set[str]:
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: watchers[name].poll(), names))
        return {name for name in names if look(engine, name).launch is not None}

    first = launched()
    assert len(first) == 2
    assert launched() == first, "both are still starting"
    committed, idle = first
    change_launch(engine, committed, 1, first_commit_at=UtcNow())
    second = launched()
    assert len(second) == 3
    claim(engine, idle, 1)
    heartbeat(engine, idle, 1, lag_messages=0)
    assert launched() == set(names)


def test_a_start_that_takes_too_long_holds_up_no_other(
    engine: Engine, master: BookkeepingMaster
) -> None:
    names = list(load_feeds())[:3]
    for name in names:
        start_if_new(engine, name, person="somebody")
    for name in names[:2]:
        Watcher(name, engine=engine, master=master.client()).poll()
    last = Watcher(names[2], engine=engine, master=master.client())
    assert last.poll().done == ("waits for its turn: 2 other streams start or wait longer",)
    change_launch(engine, names[0], 1, created_at=Ago(timedelta(minutes=4)))
    last.poll()
    assert look(engine, names[2]).launch is not None


def ended_while_another_waits(engine: Engine, master: BookkeepingMaster) -> list[Watcher]:
    """Watchers of three streams: one that has just ended, one that starts, one that waits."""
    watchers = []
    for name in list(load_feeds())[:3]:
        start_if_new(engine, name, person="somebody")
        watchers.append(Watcher(name, engine=engine, master=master.client()))
        watchers[-1].poll()
    end(engine, watchers[0].feed, 1, "failed")
    return watchers


def test_who_has_waited_longest_starts_first(engine: Engine, master: BookkeepingMaster) -> None:
    ended, _, waiting = ended_while_another_waits(engine, master)
    assert ended.poll().done == ("waits for its turn: 2 other streams start or wait longer",)
    waiting.poll()
    assert look(engine, waiting.feed).launch.launch == 1
    assert look(engine, ended.feed).launch.launch == 1


def test_a_waiting_stream_that_nobody_watches_holds_up_no_other(
    engine: Engine, master: BookkeepingMaster
) -> None:
    ended, _, waiting = ended_while_another_waits(engine, master)
    with engine.begin() as connection:
        long_ago = {"watched_at": Ago(timedelta(minutes=1))}
        connection.execute(update(watch).where(watch.c.feed == waiting.feed).values(long_ago))
    ended.poll()
    assert look(engine, ended.feed).launch.launch == 2


def test_a_waiting_stream_with_a_faulty_contract_holds_up_no_other(
    engine: Engine, master: BookkeepingMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, _, waiting = ended_while_another_waits(engine, master)
    faults = {waiting.feed: "metrics: expected a list"}
    monkeypatch.setattr("vigie.supervision.turn.contract_fault", faults.get)
    ended.poll()
    assert look(engine, ended.feed).launch.launch == 2
