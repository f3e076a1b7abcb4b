from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine, create_engine, insert, select, text, update
from sqlalchemy.exc import OperationalError

from tests.dialects import mssql_in_campaign, only_postgres
from tests.warehouse.spark_master import BookkeepingMaster
from tests.warehouse.streams import (
    change_launch,
    claim,
    events,
    heartbeat,
    insert_gap,
    look,
)
from vigie.contract.loader import get_feed, load_feeds
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
from vigie.warehouse.core import fence, launch, ledger, stream, watch
from vigie.warehouse.core import heartbeat as core_heartbeat
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.moments import Ago
from vigie.warehouse.session import session_name
from vigie.warehouse.types import UtcNow

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]


@pytest.fixture
def engine(warehouse: Engine) -> Engine:
    return warehouse


@pytest.fixture
def feed() -> str:
    return next(iter(load_feeds()))


@pytest.fixture
def master() -> BookkeepingMaster:
    return BookkeepingMaster()


@pytest.fixture
def watcher(engine: Engine, feed: str, master: BookkeepingMaster) -> Watcher:
    return Watcher(feed, engine=engine, master=master.client())


@pytest.fixture
def running(engine: Engine, feed: str, watcher: Watcher) -> Watcher:
    """A stream whose first launch was claimed, beats and has committed."""
    start_if_new(engine, feed, person="somebody")
    watcher.poll()
    claim(engine, feed, 1)
    change_launch(engine, feed, 1, first_commit_at=UtcNow())
    heartbeat(engine, feed, 1)
    assert watcher.poll().health.state is State.RUNNING
    return watcher


def end(engine: Engine, feed: str, number: int, outcome: str) -> None:
    change_launch(engine, feed, number, ended_at=UtcNow(), outcome=outcome)


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


def test_the_status_of_a_running_stream(engine, feed, master, running) -> None:
    heartbeat(engine, feed, 1, lag_messages=12, lag_seconds=1.5)
    row = {"feed": feed, "topic_id": "t", "kafka_partition": 0, "launch": 1, "messages_read": 5}
    counts = {"stored": 5, "copies": 0, "conflicts": 0, "quarantined": 0, "control": 0}
    times = [look(engine, feed).now.replace(microsecond=0, year=year) for year in (2024, 2025)]
    with engine.begin() as connection:
        for batch, moment in enumerate(times):
            offsets = {"begin_offset": 5 * batch, "end_offset": 5 * batch + 5, "batch_no": batch}
            connection.execute(
                insert(ledger).values(row | counts | offsets | {"committed_at": moment})
            )
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert look(engine, feed).now - state.watched_at < timedelta(seconds=30)
    assert state.as_json() == {
        "watched_at": state.watched_at,
        "contract_differs": False,
        "contract_fault": None,
        "feed": feed,
        "desired": "running",
        "changed_by": "somebody",
        "changed_at": state.changed_at,
        "state": "running",
        "supervised": True,
        "lag_messages": 12,
        "lag_seconds": 1.5,
        "last_commit": times[1],
        "launch": 1,
        "restarts": 0,
        "phase": "running",
        "error": None,
        "gaps": [],
        "model": None,
    }


@pytest.mark.parametrize(("age", "supervised"), [(29, True), (31, False)])
def test_a_stream_is_supervised_if_watched_within_30_seconds(
    engine, feed, master, running, age, supervised
) -> None:
    moment = look(engine, feed).now - timedelta(seconds=age)
    with engine.begin() as connection:
        connection.execute(update(watch).values(watched_at=moment))
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert state.supervised is supervised
    assert state.watched_at == moment


def test_the_status_of_a_dead_stream_names_the_error(engine, feed, master, running) -> None:
    change_launch(engine, feed, 1, first_commit_at=None)
    master.states["driver-1"] = "FAILED"
    running.poll()
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert (state.launch, state.restarts, state.lag_messages) == (2, 1, None)
    assert state.as_json()["error"]["class"] == "Dead"
    assert "FAILED" in state.as_json()["error"]["message"]


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
