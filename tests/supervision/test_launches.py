from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, delete, insert, literal, select

from tests.dialects import both_dialects, only_postgres
from tests.services import environment
from tests.warehouse.streams import change_launch, claim, events, look
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.document_store import wants_documents
from vigie.streaming.driver import run_driver
from vigie.supervision.failure import Failure, last_failure
from vigie.supervision.housekeeping import remove_old_folders
from vigie.supervision.launches import close, end_launch_sessions, record_submission, relaunch
from vigie.supervision.output import worker_folder
from vigie.warehouse.core import launch, launch_session
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.session import SessionId, TransientError

pytestmark = [pytest.mark.warehouse, both_dialects]

DIED = Failure(1, "Dead", "no heartbeat for 16 s", "last words")


@pytest.fixture
def feed() -> Feed:
    return next(iter(load_feeds().values()))


def test_of_many_relaunches_at_once_one_wins(engine: Engine, feed: Feed) -> None:
    at_once = Barrier(4)

    def race(after: int) -> int | None:
        at_once.wait()
        return relaunch(engine, feed, after=after)

    with ThreadPoolExecutor(4) as pool:
        for after in range(10):
            won = list(pool.map(race, [after] * 4))
            assert sorted(won, key=str) == [after + 1, None, None, None]
    assert events(engine, feed.name) == [("launch", "vigie")] * 10


def test_a_launch_follows_only_the_newest(engine: Engine, feed: Feed) -> None:
    assert relaunch(engine, feed, after=0) == 1
    assert relaunch(engine, feed, after=1) == 2
    assert relaunch(engine, feed, after=0) is None
    assert relaunch(engine, feed, after=1) is None
    newest = look(engine, feed.name).launch
    assert newest is not None
    assert (newest.launch, newest.contract_hash) == (2, feed.hash)


def test_a_launch_does_not_take_a_number_whose_row_was_folded_away(
    engine: Engine, feed: Feed
) -> None:
    for after in range(3):
        relaunch(engine, feed, after=after)
    with engine.begin() as connection:
        connection.execute(delete(launch).where(launch.c.launch == 2))
    assert relaunch(engine, feed, after=1) is None


def test_a_launch_is_closed_once_with_its_error(engine: Engine, feed: Feed) -> None:
    relaunch(engine, feed, after=0)
    assert close(engine, feed.name, outcome="dead", failure=DIED)
    assert not close(engine, feed.name, outcome="killed", failure=DIED)
    newest = look(engine, feed.name).launch
    assert newest is not None
    assert newest.outcome == "dead"
    with engine.connect() as connection:
        assert last_failure(connection, feed.name) == DIED


def test_closing_does_not_touch_the_end_a_driver_wrote(engine: Engine, feed: Feed) -> None:
    relaunch(engine, feed, after=0)
    ended = look(engine, feed.name).now
    change_launch(engine, feed.name, 1, ended_at=ended, outcome="stopped")
    assert not close(engine, feed.name, outcome="dead", failure=DIED)
    newest = look(engine, feed.name).launch
    assert newest is not None
    assert (newest.outcome, newest.ended_at) == ("stopped", ended)


def test_a_closed_launch_can_no_longer_be_claimed(engine: Engine, feed: Feed) -> None:
    relaunch(engine, feed, after=0)
    close(engine, feed.name, outcome="dead", failure=DIED)
    assert not claim(engine, feed.name, 1)
    relaunch(engine, feed, after=1)
    assert claim(engine, feed.name, 2)


def test_the_error_is_forgotten_once_a_later_launch_commits(engine: Engine, feed: Feed) -> None:
    relaunch(engine, feed, after=0)
    close(engine, feed.name, outcome="dead", failure=DIED)
    relaunch(engine, feed, after=1)
    with engine.connect() as connection:
        assert last_failure(connection, feed.name) == DIED
    change_launch(engine, feed.name, 2, first_commit_at=look(engine, feed.name).now)
    with engine.connect() as connection:
        assert last_failure(connection, feed.name) is None


def test_only_sessions_with_the_recorded_pid_and_start_are_ended(
    engine: Engine, feed: Feed
) -> None:
    mine, reused, newer = (open_warehouse(engine).open_session() for _ in range(3))
    earlier = reused.identify().started_at - timedelta(milliseconds=10)
    recorded = [
        (1, mine.identify()),
        (1, SessionId(reused.identify().session_id, earlier)),
        (2, newer.identify()),
    ]
    with engine.begin() as connection:
        for number, session in recorded:
            row = {"feed": feed.name, "launch": number, **vars(session)}
            connection.execute(insert(launch_session).values(row))

    assert end_launch_sessions(engine, feed.name, up_to=1) == 1

    with pytest.raises(TransientError):
        mine.run(select(literal(1)))
    assert reused.run(select(literal(1).label("one"))) == [{"one": 1}]
    assert newer.run(select(literal(1).label("one"))) == [{"one": 1}]
    assert end_launch_sessions(engine, feed.name, up_to=1) == 0
    for session in (mine, reused, newer):
        session.close()


def test_worker_folders_of_all_but_the_last_five_ended_launches_go(
    engine: Engine, feed: Feed, tmp_path, monkeypatch
) -> None:
    settings = SimpleNamespace(state=tmp_path)
    monkeypatch.setattr("vigie.supervision.output.get_settings", lambda: settings)
    for number in range(1, 9):
        relaunch(engine, feed, after=number - 1)
        record_submission(engine, feed.name, number, submission=f"driver-{number}")
        (worker_folder(f"driver-{number}") / "jars").mkdir(parents=True)
        if number < 8:
            close(engine, feed.name, outcome="dead", failure=Failure(number, "Dead", ""))
    worker_folder("driver-of-another").mkdir()
    remove_old_folders(engine, feed.name)
    left = {folder.name for folder in worker_folder("driver-1").parent.iterdir()}
    assert left == {f"driver-{number}" for number in (3, 4, 5, 6, 7, 8, "of-another")}


@only_postgres
def test_a_driver_that_cannot_be_built_says_why(engine: Engine) -> None:
    feed = next(feed for feed in load_feeds().values() if wants_documents(feed))
    relaunch(engine, feed, after=0)

    with environment(VIGIE_DOCUMENTS="http://documents"):
        assert run_driver(feed, 1) == 1

    newest = look(engine, feed.name).launch
    assert newest is not None
    assert newest.ended_at is not None
    with engine.connect() as connection:
        failure = last_failure(connection, feed.name)
    assert failure is not None
    assert (failure.launch, failure.error_class) == (1, "SettingsError")
    assert "VIGIE_DOCUMENTS" in failure.message
