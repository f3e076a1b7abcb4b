"""A stream under Airflow survives every fault by itself: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions

from tests.local_stack import LocalStack, wait_for
from vigie.broker.admin import get_admin
from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.local.postgres import connect
from vigie.settings import get_settings
from vigie.supervision.launches import relaunch
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def feed(local_stack: LocalStack) -> Feed:
    """The feed under test, running and level with its topic."""
    chosen = get_feed("gas_turbine")
    wait_for(lambda: local_stack.stream(chosen)["state"] == "running", "the stream to run")
    return chosen


def test_killed_inside_the_open_transaction(local_stack: LocalStack, feed: Feed) -> None:
    before = local_stack.account(feed)

    with local_stack.batch_held_open() as wait_until_held:
        local_stack.send(feed, 500, sensor="killed-inside")
        wait_until_held()
        local_stack.signal_driver(feed, signal.SIGKILL)

    after = local_stack.settle(feed, before["read"] + 500)
    assert after["stored"] == before["stored"] + 500


def test_frozen_inside_the_open_transaction(local_stack: LocalStack, feed: Feed) -> None:
    before = local_stack.account(feed)
    launch = local_stack.stream(feed)["launch"]

    with local_stack.batch_held_open() as wait_until_held:
        local_stack.send(feed, 500, sensor="frozen-inside")
        wait_until_held()
        frozen = local_stack.drivers(feed)
        local_stack.signal_driver(feed, signal.SIGSTOP)

    after = local_stack.settle(feed, before["read"] + 500)
    for process in frozen:
        if process.is_running():
            process.send_signal(signal.SIGCONT)
    assert after["stored"] == before["stored"] + 500
    assert local_stack.stream(feed)["launch"] > launch
    wait_for(lambda: not any(p.is_running() for p in frozen), "the frozen driver to be gone")
    assert local_stack.account(feed)["stored"] == after["stored"]


def test_broker_killed_and_restarted(local_stack: LocalStack, feed: Feed) -> None:
    before = local_stack.account(feed)
    local_stack.send(feed, 300, sensor="before-broker")

    (broker,) = (p for p in psutil.process_iter() if is_broker(p, local_stack))
    broker.kill()

    def sent() -> bool:
        try:
            local_stack.send(feed, 300, sensor="after-broker")
        except Exception:
            return False
        return True

    wait_for(sent, "the broker to be back")
    after = local_stack.settle(feed, before["read"] + 600)
    assert after["stored"] == before["stored"] + 600


def is_broker(process: psutil.Process, local_stack: LocalStack) -> bool:
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    mine = any(word.startswith(str(local_stack.stack.state)) for word in words)
    return "kafka.Kafka" in words and mine


@pytest.mark.campaign
def test_killed_right_after_the_commit(local_stack: LocalStack, feed: Feed) -> None:
    restart(local_stack, feed)
    before = local_stack.account(feed)
    launch = local_stack.stream(feed)["launch"]

    # The first commit of a launch is noted in its row right after: hold the driver there.
    with connect(local_stack.stack, "vigie") as connection, connection.transaction():
        connection.execute(
            "SELECT 1 FROM ops.launch WHERE feed = %s AND launch = %s FOR UPDATE",
            (feed.name, launch),
        )
        local_stack.send(feed, 500, sensor="killed-after")
        wait_for(lambda: local_stack.messages_read(feed) == before["read"] + 500, "the commit")
        local_stack.signal_driver(feed, signal.SIGKILL)

    local_stack.send(feed, 10, sensor="killed-after-2")
    after = local_stack.settle(feed, before["read"] + 510)
    assert after["stored"] == before["stored"] + 510
    assert after["copies"] == before["copies"]


@pytest.mark.campaign
def test_killed_between_batches(local_stack: LocalStack, feed: Feed) -> None:
    before = local_stack.account(feed)

    local_stack.signal_driver(feed, signal.SIGKILL)
    local_stack.send(feed, 100, sensor="killed-between")

    after = local_stack.settle(feed, before["read"] + 100)
    assert after["stored"] == before["stored"] + 100


@pytest.mark.campaign
def test_a_second_driver_of_the_same_launch_leaves_at_once(
    local_stack: LocalStack, feed: Feed
) -> None:
    launch = local_stack.stream(feed)["launch"]
    before = local_stack.account(feed)

    second = run_driver(feed, launch)

    assert second.wait(120) == 0
    local_stack.send(feed, 50, sensor="same-launch")
    assert local_stack.settle(feed, before["read"] + 50)["stored"] == before["stored"] + 50
    assert local_stack.stream(feed)["launch"] == launch


@pytest.mark.campaign
def test_a_driver_of_a_new_launch_supersedes_the_old(local_stack: LocalStack, feed: Feed) -> None:
    launch = local_stack.stream(feed)["launch"]
    before = local_stack.account(feed)
    number = relaunch(get_engine(), feed, after=launch)
    assert number == launch + 1

    newer = run_driver(feed, number)
    local_stack.send(feed, 50, sensor="new-launch")
    try:
        after = local_stack.settle(feed, before["read"] + 50)
        assert after["stored"] == before["stored"] + 50
        ended = f"SELECT outcome FROM ops.launch WHERE feed = '{feed.name}' AND launch = {launch}"
        local_stack.send(feed, 50, sensor="new-launch-2")
        local_stack.settle(feed, before["read"] + 100)
        wait_for(lambda: local_stack.query(ended) == [("superseded",)], "the old one to leave")
    finally:
        newer.kill()
        newer.wait()
    local_stack.send(feed, 50, sensor="new-launch-3")
    assert local_stack.settle(feed, before["read"] + 150)["stored"] == before["stored"] + 150


@pytest.mark.campaign
def test_the_scratch_folder_is_deleted(local_stack: LocalStack, feed: Feed) -> None:
    before = local_stack.account(feed)

    shutil.rmtree(local_stack.stack.state / "scratch" / feed.name)
    local_stack.send(feed, 100, sensor="scratch")

    assert local_stack.settle(feed, before["read"] + 100)["stored"] == before["stored"] + 100


@pytest.mark.campaign
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_partition_is_added(local_stack: LocalStack, feed: Feed, running: bool) -> None:
    before = local_stack.account(feed)
    if not running:
        stop(local_stack, feed)
    count = len(read_topic(feed.topic).partitions)

    get_admin().create_partitions([NewPartitions(feed.topic, count + 1)])[feed.topic].result(30)
    for i in range(40):
        local_stack.send(feed, 5, sensor=f"partition-{count}-{i}")
    if not running:
        local_stack.run("stream", "start", feed.name)

    after = local_stack.settle(feed, before["read"] + 200)
    assert after["stored"] == before["stored"] + 200
    (account,) = local_stack.read("reconcile", feed.name)["feeds"]
    assert {p["partition"] for p in account["partitions"]} == set(range(count + 1))


@pytest.mark.campaign
def test_expired_offsets_block_the_stream_until_accepted(
    local_stack: LocalStack, feed: Feed
) -> None:
    before = local_stack.account(feed)
    stop(local_stack, feed)
    local_stack.send(feed, 100, sensor="expired")
    ends = {p: end for p, (_, end) in read_topic(feed.topic).partitions.items()}
    marks = [TopicPartition(feed.topic, part, end) for part, end in ends.items()]
    for future in get_admin().delete_records(marks).values():
        future.result(30)

    local_stack.run("stream", "start", feed.name)

    blocked(local_stack, feed, "expired before they were read")
    local_stack.send(feed, 20, sensor="after-expiry")
    accept(local_stack, feed)
    after = local_stack.settle(feed, before["read"] + 20)
    assert after["stored"] == before["stored"] + 20


@pytest.mark.campaign
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_recreated_topic_blocks_the_stream_until_accepted(
    local_stack: LocalStack, feed: Feed, running: bool
) -> None:
    before = local_stack.account(feed)
    if not running:
        stop(local_stack, feed)
    get_admin().delete_topics([feed.topic])[feed.topic].result(30)
    wait_for(lambda: remade(feed), "the topic to be made anew")
    local_stack.send(feed, 5000, sensor=f"recreated-{running}")
    if not running:
        local_stack.run("stream", "start", feed.name)

    blocked(local_stack, feed, "deleted and made anew")
    accept(local_stack, feed)
    after = local_stack.settle(feed, before["read"] + 5000)
    assert after["stored"] == before["stored"] + 5000


def remade(feed: Feed) -> bool:
    try:
        return bool(ensure_topics([feed]))
    except Exception:
        return False


def blocked(local_stack: LocalStack, feed: Feed, reason: str) -> None:
    state = wait_for(
        lambda: (s := local_stack.stream(feed))["state"] == "blocked" and s, "the stream to block"
    )
    assert state["gaps"]
    assert reason in str(state["gaps"])
    refused = local_stack.run("stream", "resume", feed.name)
    assert refused.returncode == 1


def accept(local_stack: LocalStack, feed: Feed) -> None:
    resumed = local_stack.run("stream", "resume", feed.name, "--accept-gap")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr


def stop(local_stack: LocalStack, feed: Feed) -> None:
    local_stack.run("stream", "stop", feed.name)
    wait_for(lambda: local_stack.stream(feed)["state"] == "stopped", "the stream to stop")


def restart(local_stack: LocalStack, feed: Feed) -> None:
    launch = local_stack.stream(feed)["launch"]
    local_stack.run("stream", "restart", feed.name)
    wait_for(
        lambda: (s := local_stack.stream(feed))["launch"] > launch and s["state"] == "running",
        "the restart",
    )


def run_driver(feed: Feed, launch: int) -> subprocess.Popen[bytes]:
    app = Path(get_settings().spark_apps) / "run_stream.py"
    return subprocess.Popen(
        [sys.executable, str(app), feed.name, str(launch)],
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
