from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import create_engine, insert, select, text, update
from sqlalchemy.exc import OperationalError

from tests.dialects import mssql_in_campaign, only_postgres
from tests.warehouse.streams import change_launch, claim, end, events, heartbeat, insert_gap, look
from vigie.contract.loader import get_feed
from vigie.streaming.commit import Fence
from vigie.streaming.launch import raise_fence
from vigie.supervision.desire import (
    accept_gaps,
    open_gaps,
    request_restart,
    set_desired,
    start_if_new,
)
from vigie.supervision.start import start_or_adopt
from vigie.supervision.states import State
from vigie.supervision.status import stream_states
from vigie.supervision.watch import Watcher
from vigie.warehouse.core import fence, launch, stream
from vigie.warehouse.core import heartbeat as core_heartbeat
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import session_name

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]


def test_the_first_start_launches_once(engine, feed, master, watcher) -> None:
    sight = start_or_adopt(feed, person="airflow", engine=engine, watcher=watcher)
    assert sight.done == ("launched 1 as driver-1",)
    again = start_or_adopt(feed, person="airflow", engine=engine, watcher=watcher)
    assert again.done == ()
    assert master.launches == [1]
    assert events(engine, feed) == [("start", "airflow"), ("launch", "vigie")]


def test_a_stopped_stream_is_not_started_by_a_new_watch(engine, feed, master, watcher) -> None:
    set_desired(engine, feed, "stopped", person="ada")
    sight = start_or_adopt(feed, person="airflow", engine=engine, watcher=watcher)
    assert sight.health.state is State.STOPPED
    assert master.launches == []


def test_a_dead_driver_is_killed_and_relaunched_in_one_poll(engine, feed, master, running) -> None:
    heartbeat(engine, feed, 1, age=600)
    # The silence counts from when this watcher began to look.
    running._since = look(engine, feed).beat.beat_at
    sight = running.poll()
    assert sight.health.state is State.DEAD
    assert master.killed[0] == "driver-1"
    assert master.launches == [1, 2]
    assert look(engine, feed).recent[1].outcome == "dead"


def test_a_driver_the_master_reports_ended_is_relaunched_at_once(
    engine, feed, master, running
) -> None:
    master.states["driver-1"] = "FAILED"
    assert running.poll().health.state is State.DEAD
    assert master.launches == [1, 2]


def test_what_is_left_of_a_launch_that_ended_by_itself_is_killed_before_the_next(
    engine, feed, master, running
) -> None:
    end(engine, feed, 1, "failed")
    running.poll()
    assert master.killed == ["driver-1"]
    assert master.launches == [1, 2]


def test_an_end_written_between_the_two_looks_is_believed(engine, feed, master, running) -> None:
    """The rows are read before the master is asked, and the driver ends in between."""

    def end_now() -> None:
        end(engine, feed, 1, "stopped")
        master.states["driver-1"] = "FINISHED"
        master.before_status = lambda: None

    master.before_status = end_now
    assert running.poll().health.state is State.STARTING
    running.poll()
    assert master.launches == [1, 2]
    assert look(engine, feed).recent[1].outcome == "stopped"
    assert "dead" not in dict(events(engine, feed))


def test_a_broker_that_comes_back_leaves_no_stalled_driver(engine, feed, master, running) -> None:
    old = look(engine, feed).now - timedelta(minutes=10)
    running._since = old
    heartbeat(engine, feed, 1, lag_messages=None, lag_seconds=None, progress_at=old)
    assert running.poll().health.state is State.WAITING
    heartbeat(engine, feed, 1, lag_messages=9, lag_seconds=600.0, progress_at=old)
    assert running.poll().health.state is State.RUNNING
    running._level_at = old
    assert running.poll().health.state is State.STALLED
    assert master.launches == [1, 2]


def test_two_watchers_of_a_dead_driver_launch_once(engine, feed, master, running) -> None:
    master.states["driver-1"] = "FAILED"
    watchers = [Watcher(feed, engine=engine, master=master.client()) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Watcher.poll, watchers))
    assert master.launches == [1, 2]
    assert [kind for kind, _ in events(engine, feed)] == ["start", "launch", "dead", "launch"]


def test_an_old_view_harms_no_newer_launch(engine, feed, master, running, monkeypatch) -> None:
    """A watcher frozen between look and action wakes up after the relaunch."""
    frozen = Watcher(feed, engine=engine, master=master.client())
    master.states["driver-1"] = "FAILED"
    seen = frozen._look()
    running.poll()
    claim(engine, feed, 2)
    heartbeat(engine, feed, 2)
    looks = iter([seen])
    real_look = frozen._look
    monkeypatch.setattr(frozen, "_look", lambda: next(looks, None) or real_look())
    frozen.poll()
    assert master.launches == [1, 2]
    assert "driver-2" not in master.killed
    assert look(engine, feed).launch.ended_at is None


def test_an_unclear_answer_spends_the_number(engine, feed, master, watcher) -> None:
    start_if_new(engine, feed, person="airflow")
    master.answer = httpx.Response(500, text="?")
    assert "this launch number is spent" in watcher.poll().done[0]
    assert not claim(engine, feed, 1), "a driver that started all the same must not run"
    master.answer = None
    sight = watcher.poll()
    assert master.launches == [1, 2]
    assert sight.failure.error_class == "SubmissionFailed"


def test_an_away_master_spends_no_number(engine, feed, master, watcher) -> None:
    start_if_new(engine, feed, person="airflow")
    master.away = True
    assert "expected an answer" in watcher.poll().done[0]
    assert look(engine, feed).launch is None
    master.away = False
    watcher.poll()
    assert master.launches == [1]


def test_failing_launches_wait_longer_each_time(engine, feed, master, watcher) -> None:
    start_if_new(engine, feed, person="airflow")
    for number in (1, 2):
        watcher.poll()
        end(engine, feed, number, "failed")
    assert watcher.poll().done == ()
    assert master.launches == [1, 2]
    request_restart(engine, feed, 2, person="ada")
    watcher.poll()
    assert master.launches == [1, 2, 3]


def test_a_restart_is_honoured_once(engine, feed, master, running) -> None:
    assert request_restart(engine, feed, 1, person="ada")
    assert not request_restart(engine, feed, 1, person="bob")
    assert running.poll().health.state is State.STOPPING
    assert master.launches == [1], "the driver ends by itself"
    end(engine, feed, 1, "stopped")
    running.poll()
    running.poll()
    assert master.launches == [1, 2]


def test_a_request_against_an_older_launch_is_ignored(engine, feed, master, running) -> None:
    master.states["driver-1"] = "FAILED"
    running.poll()
    claim(engine, feed, 2)
    heartbeat(engine, feed, 2)
    request_restart(engine, feed, 1, person="airflow")
    assert running.poll().health.state is State.RUNNING


def test_a_stopped_stream_is_closed_but_not_relaunched(engine, feed, master, running) -> None:
    set_desired(engine, feed, "stopped", person="ada")
    assert running.poll().health.state is State.STOPPING
    end(engine, feed, 1, "stopped")
    assert running.poll().health.state is State.STOPPED
    assert master.launches == [1]
    set_desired(engine, feed, "running", person="ada")
    running.poll()
    assert master.launches == [1, 2]


def test_a_stop_that_takes_over_a_minute_becomes_a_kill(engine, feed, master, running) -> None:
    set_desired(engine, feed, "stopped", person="ada")
    long_ago = look(engine, feed).now.replace(year=2020)
    change_launch(engine, feed, 1, created_at=long_ago)
    running._since = long_ago
    with engine.begin() as connection:
        connection.execute(stream.update().values(changed_at=long_ago).where(stream.c.feed == feed))
    running.poll()
    assert master.killed == ["driver-1"]
    assert look(engine, feed).launch.outcome == "killed"
    assert running.poll().health.state is State.STOPPED
    assert master.launches == [1]


def test_a_blocked_stream_waits_until_every_gap_is_accepted(engine, feed, master, running) -> None:
    insert_gap(engine, feed, begin=0)
    insert_gap(engine, feed, begin=50)
    end(engine, feed, 1, "blocked")
    assert running.poll().health.state is State.BLOCKED
    with engine.connect() as connection:
        gaps = open_gaps(connection, feed)
    accept_gaps(engine, feed, gaps[:1], person="ada")
    assert running.poll().done == ()
    accept_gaps(engine, feed, gaps[1:], person="ada")
    assert running.poll().done == ("launched 2 as driver-2",)
    assert events(engine, feed).count(("resume", "ada")) == 2


@only_postgres
def test_a_driver_of_another_contract_is_restarted_not_killed(
    engine, feed, master, running
) -> None:
    change_launch(engine, feed, 1, contract_hash="older")
    sight = start_or_adopt(feed, person="airflow", engine=engine, watcher=running)
    assert sight.health.state is State.STOPPING
    assert master.killed == []
    assert ("restart", "vigie") in events(engine, feed)


@only_postgres
def test_a_contract_the_tables_do_not_fit_leaves_the_driver_running(
    engine, feed, master, running
) -> None:
    change_launch(engine, feed, 1, contract_hash="older")
    reading = feed_tables(get_feed(feed)).reading
    field = next(iter(get_feed(feed).fields))
    with get_engine("owner").begin() as connection:
        connection.execute(text(f"ALTER TABLE {reading.fullname} RENAME {field} TO old"))

    sight = start_or_adopt(feed, person="airflow", engine=engine, watcher=running)

    assert sight.health.state is State.RUNNING
    assert f"{reading.fullname}.{field}: missing column" in str(sight)
    assert "vigie warehouse plan" in str(sight)
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert state.contract_differs


def test_a_driver_without_a_worker_is_reported_after_20_seconds(
    engine, feed, master, watcher
) -> None:
    start_if_new(engine, feed, person="somebody")
    watcher.poll()
    master.states["driver-1"] = "SUBMITTED"
    assert "no capacity" not in str(watcher.poll())
    change_launch(engine, feed, 1, submitted_at=look(engine, feed).now - timedelta(seconds=21))

    assert "starting (no capacity: no Spark worker has room" in str(watcher.poll())
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert state.phase.startswith("no capacity")
    assert master.launches == [1]


@only_postgres
@pytest.mark.timeout(60)
def test_a_driver_frozen_inside_any_transaction_holds_up_nobody(
    engine, feed, master, running
) -> None:
    """Its pooled connections hold the rows of the launch, the heartbeat and the fence."""
    url = engine.url.update_query_dict({"application_name": session_name(feed, 1)})
    driver = create_engine(url)
    with engine.begin() as connection:
        row = {"feed": feed, "launch": 1, "token": "mine", "batch_no": 0}
        connection.execute(insert(fence).values(row))
    with driver.connect() as frozen:
        for table in (launch, core_heartbeat, fence):
            frozen.execute(update(table).values(feed=table.c.feed))
        master.states["driver-1"] = "FAILED"
        assert running.poll().health.state is State.DEAD
        assert look(engine, feed).recent[1].outcome == "dead"
        claim(engine, feed, 2)
        heartbeat(engine, feed, 2)
        raise_fence(engine, feed, Fence(2, "theirs"))
        with pytest.raises(OperationalError):
            frozen.execute(select(1))
        frozen.invalidate()
    driver.dispose()
    assert master.launches == [1, 2]


def test_a_blocked_stream_is_not_restarted_for_newer_code(engine, feed, master, running) -> None:
    change_launch(engine, feed, 1, code_version="older")
    end(engine, feed, 1, "blocked")
    sight = start_or_adopt(feed, person="airflow", engine=engine, watcher=running)
    assert sight.health.state is State.BLOCKED
    assert master.launches == [1]


def test_an_away_warehouse_is_unknown_and_restarts_the_silence(
    engine, feed, master, running
) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    heartbeat(engine, feed, 1, age=600)
    running._since = look(engine, feed).beat.beat_at
    running._engine = away
    assert running.poll().health.state is State.UNKNOWN
    running._engine = engine
    assert running.poll().health.state is State.RUNNING
    assert master.launches == [1]
    assert stream_states([feed], engine=away)[0].state is State.UNKNOWN
