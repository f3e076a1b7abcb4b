"""A whole local stack for tests: its commands, its drivers, its database, its topic."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.readings import message
from tests.services import environment
from vigie.broker.producer import Sender, make_producer
from vigie.contract.feed import Feed
from vigie.local.control import Control
from vigie.local.postgres import connect
from vigie.local.processes import stack_processes
from vigie.local.stack import Stack, find_stack
from vigie.warehouse.dialects import open_warehouse

T = TypeVar("T")

RECOVERY = 240
"""Seconds a recovery may take on a busy machine; how long it takes is measured in benchmarks."""


@dataclass(frozen=True)
class LocalStack:
    """A running stack; every method acts on it as its users would."""

    stack: Stack

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a `vigie` command."""
        return vigie(*arguments, timeout=timeout)

    def read(self, *arguments: str) -> Any:
        """What a reading command prints as JSON, whatever its exit code."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def stream(self, feed: Feed) -> dict[str, Any]:
        """The stream's line of `vigie status`."""
        lines = {line["feed"]: line for line in self.read("status")["streams"]}
        return lines[feed.name]

    def account(self, feed: Feed) -> dict[str, int]:
        """The totals of `vigie reconcile`, which must find everything accounted for."""
        (account,) = self.read("reconcile", feed.name)["feeds"]
        assert account["unaccounted"] == []
        names = ("read", "stored", "copies", "conflicts", "quarantined", "gaps", "overlaps")
        totals = {n: sum(part[n] for part in account["partitions"]) for n in names}
        return totals | {"lag": account["lag_messages"]}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query, as the superuser."""
        with connect(self.stack, "vigie") as connection:
            return connection.execute(sql).fetchall()

    def drivers(self, feed: Feed) -> list[psutil.Process]:
        """The driver's processes: the JVM and its Python."""
        found = []
        for process in stack_processes(self.stack):
            try:
                words = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if any(word.endswith("run_stream.py") for word in words) and feed.name in words:
                found.append(process)
        return found

    def signal_driver(self, feed: Feed, number: signal.Signals) -> None:
        """Send a signal to the driver's JVM and Python."""
        for process in self.drivers(feed):
            process.send_signal(number)

    def kill_program(self, name: str) -> None:
        """Kill a program's main process, as the kernel does when memory runs out."""
        self.program(name)[0].kill()

    def program(self, name: str) -> list[psutil.Process]:
        """A program's main process and all below it; empty while it does not run."""
        number = Control(self.stack)._calls.getProcessInfo(name)["pid"]
        try:
            main = psutil.Process(number or -1)
            return [main, *main.children(recursive=True)]
        except (psutil.NoSuchProcess, ValueError):
            return []

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Keep a program of the stack stopped for as long as the block lasts; it is back after."""
        control = Control(self.stack)
        control.stop([name], timeout=60)
        try:
            yield
        finally:
            control.start(name)
        wait_for(lambda: self.is_healthy(name), f"{name} to be back")

    def is_healthy(self, name: str) -> bool:
        """Whether a part of the stack works."""
        found = {line["name"]: line["healthy"] for line in self.read("status")["services"]}
        return bool(found[name])

    def launches(self) -> dict[str, int]:
        """The newest launch of each feed that ever had one."""
        rows = self.query("SELECT feed, max(launch) FROM ops.launch GROUP BY feed")
        return {feed: launch for feed, launch in rows}

    def watched_again(self) -> bool:
        """Whether every part is healthy and every stream that should run does, watched."""
        status = self.read("status")
        wanted = [s for s in status["streams"] if s["desired"] == "running"]
        return all(s["healthy"] for s in status["services"]) and all(
            s["supervised"] and s["state"] == "running" for s in wanted
        )

    def task_log(self, feed: Feed) -> str:
        """What the tasks of the feed's DAG logged, all runs and tries together."""
        folder = self.stack.state / "airflow" / "logs" / f"dag_id=stream_{feed.name}"
        return "\n".join(path.read_text() for path in sorted(folder.rglob("*.log*")))

    def send(self, feed: Feed, count: int, *, sensor: str) -> None:
        """Send readings of one sensor, a second apart, that no earlier call sent."""
        newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        values = [
            json.dumps(
                message(feed, sensor=sensor, at=newest - timedelta(seconds=i), step=i)
            ).encode()
            for i in range(count)
        ]
        self.send_raw(feed, values, key=sensor)

    def send_raw(self, feed: Feed, values: Sequence[bytes], *, key: str) -> None:
        """Send messages as they are."""
        with Sender(make_producer(max_message=feed.kafka.max_message)) as sender:
            for value in values:
                sender.send(feed.topic, key.encode(), value)

    def settle(self, feed: Feed, read: int, *, seconds: float = RECOVERY) -> dict[str, int]:
        """Wait until the stream runs and has read so many messages in all; return the account."""

        def done() -> dict[str, int] | None:
            if self.messages_read(feed) < read or self.stream(feed)["state"] != "running":
                return None
            return self.account(feed)

        return wait_for(done, f"{feed.name} to have read {read} messages", seconds)

    def messages_read(self, feed: Feed) -> int:
        """Messages the ledger has."""
        sql = "SELECT coalesce(sum(messages_read), 0)::bigint FROM ops.ledger WHERE feed = "
        return int(self.query(f"{sql}'{feed.name}'")[0][0])

    @contextmanager
    def batch_held_open(self) -> Iterator[Callable[[], None]]:
        """Hold batches inside their open transaction, at the last table they write.

        Yields a function that waits until a batch hangs there.
        """
        with connect(self.stack, "vigie") as connection, connection.transaction():
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("LOCK TABLE ops.day_count IN SHARE MODE")
            waiting = (
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'vigie_stream' "
                "AND wait_event_type = 'Lock' AND query LIKE '%ops.day_count%'"
            )
            yield lambda: wait_for(lambda: self.query(waiting), "a batch to hang") and None


def vigie(*arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a `vigie` command of this environment."""
    command = [str(Path(sys.executable).with_name("vigie")), *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@contextmanager
def running_stack(state: Path, *options: str) -> Iterator[LocalStack]:
    """Bring up a stack in a folder of its own on free ports; take it down after.

    `options` are further ones of `vigie up`. Work on it inside `at_stack`.
    """
    with at_stack(state):
        up = vigie("up", "--no-simulators", *options, timeout=600)
        stack = find_stack()
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert stack is not None
        yield LocalStack(stack)
    finally:
        with at_stack(state):
            down = vigie("down", timeout=200)
    assert down.returncode == 0, down.stdout + down.stderr
    assert stack_processes(stack) == []


@contextmanager
def at_stack(state: Path) -> Iterator[None]:
    """Have commands and settings mean the stack of this folder."""
    # A refresh after the first compaction would hold up all others for ten minutes.
    with environment(VIGIE_STATE=str(state), VIGIE_PORTS="free", VIGIE_REFRESH_SETTLE="5"):
        yield


def wait_for(
    look: Callable[[], T | None], what: str, seconds: float = RECOVERY, *, pause: float = 0.5
) -> T:
    """Look until there is something; fail naming what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause)


def wait_until_free(lock: str) -> None:
    """Wait until the warehouse noticed that the process which held a lock was killed."""

    def is_free() -> bool:
        with open_warehouse().hold(lock) as held:
            return held

    wait_for(is_free, f"the lock {lock}", pause=0.05)
