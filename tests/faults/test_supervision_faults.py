"""Whoever supervises may die, and what a stream needs may go away: named, answered, recovered."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_stack import RECOVERY, LocalStack, wait_for
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed, load_feeds
from vigie.errors import MasterAway
from vigie.local.environment import stack_environment
from vigie.local.postgres import connect
from vigie.supervision.master import DriverState, SparkMaster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

COMPONENTS = ("scheduler", "triggerer", "api-server", "dag-processor")
AWAY = 120
"""Seconds that the database, or the broker, is away."""


@pytest.fixture
def feed(local_stack: LocalStack) -> Feed:
    """The feed under test, running and watched."""
    wait_for(local_stack.watched_again, "the streams to run and be watched")
    return get_feed("gas_turbine")


@pytest.fixture
def five_feeds(local_stack: LocalStack) -> Iterator[None]:
    """All feeds of the contracts at once; the default ones alone after."""
    default = set(local_stack.launches())
    up = local_stack.run("up", "--feeds", "all", "--no-simulators", timeout=600)
    assert up.returncode == 0, up.stdout + up.stderr
    yield
    for feed in load_feeds().keys() - default:
        local_stack.run("stream", "stop", feed)


def test_all_of_airflow_is_killed_at_once(local_stack: LocalStack, feed: Feed) -> None:
    kill_and_expect_adoption(local_stack, *COMPONENTS)


@pytest.mark.campaign
@pytest.mark.parametrize(
    "components", [*((name,) for name in COMPONENTS), COMPONENTS], ids=lambda names: "+".join(names)
)
def test_airflow_is_killed_while_five_streams_run(
    local_stack: LocalStack, feed: Feed, five_feeds: None, components: tuple[str, ...]
) -> None:
    assert len(local_stack.launches()) == len(load_feeds())
    kill_and_expect_adoption(local_stack, *components)


def kill_and_expect_adoption(local_stack: LocalStack, *components: str) -> None:
    wait_for(local_stack.watched_again, "the streams to run and be watched")
    before, launches = accounts(local_stack), local_stack.launches()
    processes = driver_pids(local_stack, before)

    for component in components:
        local_stack.kill_program(f"airflow-{component}")
    killed_at = time.time()
    for name in before:
        local_stack.send(get_feed(name), 100, sensor=f"while-{'-'.join(components)}-is-away")
    wait_for(
        lambda: watched_since(local_stack, killed_at) and local_stack.watched_again(),
        "Airflow to be back and watching",
    )

    for name, account in before.items():
        after = local_stack.settle(get_feed(name), account["read"] + 100)
        assert after["stored"] == account["stored"] + 100
    assert local_stack.launches() == launches
    assert driver_pids(local_stack, before) == processes


def accounts(local_stack: LocalStack) -> dict[str, dict[str, int]]:
    lines = local_stack.read("status")["streams"]
    running = [line["feed"] for line in lines if line["desired"] == "running"]
    return {name: local_stack.account(get_feed(name)) for name in running}


def driver_pids(local_stack: LocalStack, feeds: Any) -> dict[str, set[int]]:
    return {name: {p.pid for p in local_stack.drivers(get_feed(name))} for name in feeds}


def watched_since(local_stack: LocalStack, moment: float) -> bool:
    wanted = "SELECT feed FROM ops.stream WHERE desired = 'running'"
    late = f"watched_at > to_timestamp({moment}) + interval '20 s'"
    sql = (
        f"SELECT count(*) FILTER (WHERE {late}) = count(*) FROM ops.watch WHERE feed IN ({wanted})"
    )
    return bool(local_stack.query(sql)[0][0])


@pytest.mark.campaign
def test_drivers_outlive_the_spark_master(local_stack: LocalStack, feed: Feed) -> None:
    before, launch = local_stack.account(feed), local_stack.stream(feed)["launch"]
    processes = driver_pids(local_stack, [feed.name])
    named = f"SELECT submission_id FROM ops.launch WHERE feed = '{feed.name}' AND launch = {launch}"
    ((submission,),) = local_stack.query(named)
    (old,) = local_stack.program("spark-master")

    local_stack.kill_program("spark-master")
    wait_for(lambda: old not in local_stack.program("spark-master"), "another master")
    wait_for(lambda: is_known(submission), "the master to know the driver again")
    wait_for(local_stack.watched_again, "every part to be healthy")

    local_stack.send(feed, 100, sensor="master-away")
    assert local_stack.settle(feed, before["read"] + 100)["stored"] == before["stored"] + 100
    assert driver_pids(local_stack, [feed.name]) == processes
    assert local_stack.stream(feed)["launch"] == launch
    local_stack.run("stream", "restart", feed.name)
    wait_for(
        lambda: (s := local_stack.stream(feed))["launch"] > launch and s["state"] == "running",
        "a driver that the new master was given",
    )


def is_known(submission: str) -> bool:
    try:
        return SparkMaster().driver_state(submission) == DriverState.RUNNING
    except MasterAway:
        return False


@pytest.mark.campaign
def test_two_runs_of_one_dag_keep_one_driver(
    local_stack: LocalStack, feed: Feed, tmp_path: Path
) -> None:
    """The second run is forced past the DAG's own limit, in a process of its own."""
    before, launch = local_stack.account(feed), local_stack.stream(feed)["launch"]
    log = tmp_path / "second.log"
    with log.open("w") as output:
        second = subprocess.Popen(
            [str(Path(sys.executable).with_name("airflow")), "dags", "test", f"stream_{feed.name}"],
            env=stack_environment(local_stack.stack),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        adopted = f"stream {feed.name}, launch {launch}: running"
        wait_for(lambda: adopted in log.read_text(), "the second run to adopt the driver")
        wait_for(lambda: "running trigger in line" in log.read_text(), "the second watch")
        assert local_stack.stream(feed)["launch"] == launch
        local_stack.signal_driver(feed, signal.SIGKILL)
        local_stack.send(feed, 100, sensor="two-runs")
        after = local_stack.settle(feed, before["read"] + 100)
        assert second.poll() is None, log.read_text()[-3000:]
    finally:
        second.kill()
        second.wait()
    assert after["stored"] == before["stored"] + 100
    assert local_stack.stream(feed)["launch"] == launch + 1
    alive = f"SELECT count(*) FROM ops.launch WHERE feed = '{feed.name}' AND ended_at IS NULL"
    assert local_stack.query(alive) == [(1,)]


@pytest.mark.campaign
def test_a_driver_that_always_fails(local_stack: LocalStack, feed: Feed) -> None:
    """A field of its contract has no column; its pauses grow, and everybody names the column."""
    field = next(iter(feed.fields))
    first, table = local_stack.stream(feed)["launch"] + 1, f"fact.{feed.name}_reading"
    with connect(local_stack.stack, "vigie") as connection:
        connection.execute(f"ALTER TABLE {table} RENAME {field} TO gone")
    local_stack.run("stream", "restart", feed.name)
    launches = (
        "SELECT created_at, ended_at, outcome, error_class FROM ops.launch "
        f"WHERE feed = '{feed.name}' AND launch >= {first} AND ended_at IS NOT NULL ORDER BY launch"
    )

    failed = wait_for(
        lambda: len(rows := local_stack.query(launches)) >= 4 and rows, "four launches to fail"
    )
    state = local_stack.stream(feed)

    assert {(outcome, error) for _, _, outcome, error in failed} == {("failed", "MigrationError")}
    ended = [row[1] for row in failed]
    pauses = [
        (row[0] - end).total_seconds() for row, end in zip(failed[1:], ended[:-1], strict=True)
    ]
    assert [pause >= least for pause, least in zip(pauses, (0, 5, 10), strict=False)] == [True] * 3
    told = f"{table}.{field}: missing column"
    assert told in state["error"]["message"]
    assert told in local_stack.run("status").stderr
    assert told in local_stack.task_log(feed)
    with connect(local_stack.stack, "vigie") as connection:
        connection.execute(f"ALTER TABLE {table} RENAME gone TO {field}")
    local_stack.run("stream", "restart", feed.name)
    before = local_stack.account(feed)
    local_stack.send(feed, 50, sensor="after-failures")
    local_stack.settle(feed, before["read"] + 50)
    assert local_stack.stream(feed)["error"] is None


@pytest.mark.campaign
def test_a_frozen_driver_is_named_and_replaced(local_stack: LocalStack, feed: Feed) -> None:
    before, launch = local_stack.account(feed), local_stack.stream(feed)["launch"]
    frozen = local_stack.drivers(feed)
    local_stack.signal_driver(feed, signal.SIGSTOP)
    local_stack.send(feed, 100, sensor="frozen")
    after = recover(local_stack, feed, before["read"] + 100, "frozen")
    for process in frozen:
        if process.is_running():
            process.send_signal(signal.SIGCONT)
    assert after["stored"] == before["stored"] + 100
    (ended,) = events(local_stack, feed, f"launch {launch}:")
    assert ended["kind"] == "dead"
    assert "no heartbeat since" in ended["detail"]


@pytest.mark.campaign
def test_a_driver_that_commits_nothing_is_named_and_replaced(
    local_stack: LocalStack, feed: Feed
) -> None:
    before, launch = local_stack.account(feed), local_stack.stream(feed)["launch"]
    with local_stack.batch_held_open() as wait_until_held:
        local_stack.send(feed, 100, sensor="commits-nothing")
        wait_until_held()
        wait_for(lambda: local_stack.stream(feed)["launch"] > launch, "the next launch")
    after = recover(local_stack, feed, before["read"] + 100, "commits nothing")
    assert after["stored"] == before["stored"] + 100
    (ended,) = events(local_stack, feed, f"launch {launch}:")
    assert ended["kind"] == "stalled"
    assert "no progress since" in ended["detail"]


@pytest.mark.campaign
def test_the_database_is_away_for_two_minutes(local_stack: LocalStack, feed: Feed) -> None:
    before, launch = local_stack.account(feed), local_stack.stream(feed)["launch"]
    with local_stack.away("postgres"):
        local_stack.send(feed, 100, sensor="database-away")
        began = time.monotonic()
        while time.monotonic() - began < AWAY:
            line = local_stack.stream(feed)
            assert (line["state"], line["phase"]) == ("unknown", "the warehouse does not answer")
            time.sleep(10)
    after = recover(local_stack, feed, before["read"] + 100, "database away")
    assert after["stored"] == before["stored"] + 100
    assert local_stack.stream(feed)["launch"] == launch, "nothing is done about an away database"
    wait_for(local_stack.watched_again, "Airflow to watch again")


@pytest.mark.campaign
def test_the_broker_is_away_for_two_minutes(local_stack: LocalStack, feed: Feed) -> None:
    before, earlier = local_stack.account(feed), len(events(local_stack, feed, ""))
    with local_stack.away("kafka"):
        wait_for(lambda: local_stack.stream(feed)["lag_messages"] is None, "the silence to be seen")
        began, seen = time.monotonic(), set()
        while time.monotonic() - began < AWAY:
            line = local_stack.stream(feed)
            seen.add((line["state"], line["phase"]))
            time.sleep(5)
    wait_for(lambda: sent(local_stack, feed), "the broker to be back")
    after = recover(local_stack, feed, before["read"] + 100, "broker away")
    assert after["stored"] == before["stored"] + 100
    assert ("waiting", "waiting for the broker") in seen
    assert {state for state, _ in seen} <= {"waiting", "starting", "dead"}, seen
    assert "stalled" not in {event["kind"] for event in events(local_stack, feed, "")[earlier:]}


def sent(local_stack: LocalStack, feed: Feed) -> bool:
    try:
        local_stack.send(feed, 100, sensor="broker-away")
    except Exception:
        return False
    return True


def recover(local_stack: LocalStack, feed: Feed, read: int, what: str) -> dict[str, int]:
    """Wait for the readings, and print how long they took."""
    began = time.monotonic()
    wait_for(lambda: local_stack.messages_read(feed) >= read, f"{what}: to recover", RECOVERY)
    print(f"recovery, {what}: {time.monotonic() - began:.1f} s")
    return local_stack.settle(feed, read)


def events(local_stack: LocalStack, feed: Feed, detail: str) -> list[dict[str, Any]]:
    found = local_stack.read("stream", "events", feed.name, "--last", "500")["events"]
    return [event for event in found if (event["detail"] or "").startswith(detail)]
