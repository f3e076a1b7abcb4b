"""Real services for tests: on free loopback ports, in a folder of their own, ended by their pid."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from vigie.broker.admin import get_admin
from vigie.contract.feed import Feed
from vigie.local import documents, kafka, mlflow, postgres
from vigie.local.jars import fetch_jars
from vigie.local.ports import choose_ports
from vigie.local.stack import Stack, prepare_stack
from vigie.settings import get_settings
from vigie.warehouse import migrate
from vigie.warehouse.engines import get_engine

# A test's broker lives for seconds: the optimising compiler would cost more than it gains.
_SHORT_LIVED = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}


@contextmanager
def kafka_broker(folder: Path) -> Iterator[str]:
    """Run the broker of the local stack in `folder`; yields its address once it answers.

    A second run in the same folder is the same broker, at the same address, with what it held.
    """
    fetch_jars()
    stack = _stack(folder, ("kafka", "kafka_controller"))
    kafka.initialise(stack)
    command = kafka.program(stack).command
    with (folder / "output.log").open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | _SHORT_LIVED
        )
        try:
            _wait_until_answering(stack, process)
            yield stack.address("kafka")
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Have a server end by itself, and kill it after half a minute."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stack(folder: Path, parts: tuple[str, ...]) -> Stack:
    file = folder / "ports"
    if file.is_file():
        known = dict(line.split("=") for line in file.read_text().splitlines())
    else:
        folder.mkdir(parents=True)
        chosen = choose_ports({}, only_free=True)
        known = {part: str(chosen[part]) for part in parts}
        file.write_text("".join(f"{part}={port}\n" for part, port in known.items()))
    ports = {part: int(port) for part, port in known.items()}
    return Stack(state=folder, ports=ports, secrets={}, socket=folder / "unused.sock")


def _wait_until_answering(stack: Stack, process: subprocess.Popen[bytes]) -> None:
    admin = AdminClient({"bootstrap.servers": stack.address("kafka"), "log_level": 0})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            admin.list_topics(timeout=2)
        except KafkaException:
            time.sleep(0.2)
        else:
            return
    output = (stack.state / "output.log").read_text()[-2000:]
    raise RuntimeError(f"no broker at {stack.address('kafka')}; its output ends:\n{output}")


@contextmanager
def postgres_stack(folder: Path) -> Iterator[Stack]:
    """Run the embedded PostgreSQL in `folder`, migrated, and yield the stack it belongs to.

    The settings point at it only while it starts.
    """
    with environment(VIGIE_STATE=str(folder), VIGIE_PORTS="free"):
        stack = prepare_stack()
        postgres.initialise(stack)
        with (folder / "postgres.log").open("wb") as output:
            # A test's database need not survive the machine, and each test gets its own.
            command = [*postgres.program(stack).command, "-c", "fsync=off"]
            server = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                _wait_until(lambda: postgres.is_up(stack), folder / "postgres.log")
                postgres.ensure_roles(stack)
                migrate.apply()
                get_engine("owner").dispose()
            except BaseException:
                server.kill()
                raise
    try:
        yield stack
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def warehouse_urls(stack: Stack, database: str = "vigie") -> dict[str, str]:
    """The settings that lead each role to a database of the stack's PostgreSQL."""
    return {
        setting: url.removesuffix("vigie") + database
        for setting, url in stack.settings().items()
        if setting.startswith("VIGIE_WAREHOUSE")
    }


def warehouse_settings(stack: Stack, database: str = "vigie") -> dict[str, str]:
    """Those and the state folder, in which no document server runs though its settings name one."""
    return warehouse_urls(stack, database) | {
        "VIGIE_STATE": str(stack.state),
        "VIGIE_DOCUMENTS": "",
    }


@contextmanager
def document_server(folder: Path) -> Iterator[str]:
    """Run the local stack's document server in `folder`, and yield its URL once it answers.

    It speaks MongoDB's protocol and is not MongoDB. A second run in the same folder is the same
    server, at the same address, with what it held.
    """
    fetch_jars()
    stack = _stack(folder, ("documents",))
    with (folder / "output.log").open("ab") as output:
        server = subprocess.Popen(documents.program(stack).command, stdout=output, stderr=output)
        try:
            _wait_until(lambda: documents.is_up(stack), folder / "output.log")
            yield f"mongodb://{stack.address('documents')}/vigie"
        finally:
            server.terminate()
            server.wait(30)


@contextmanager
def mlflow_server(stack: Stack) -> Iterator[str]:
    """Run the local stack's MLflow server on its running PostgreSQL; yields its address.

    A second run is the same server, at the same address, with what it held.
    """
    log = stack.state / "mlflow.log"
    with log.open("ab") as output:
        env = os.environ | mlflow.environment(stack)
        command = mlflow.program(stack).command
        # A group of its own: the server's child must end with it.
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=env, start_new_session=True
        )
        try:
            _wait_until(lambda: mlflow.is_up(stack), log, seconds=180)
            yield f"http://{stack.address('mlflow')}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def forget_topic(feed: Feed) -> None:
    """Delete the feed's topic on the shared broker, if a test before made it."""
    with suppress(KafkaException):
        get_admin().delete_topics([feed.topic], operation_timeout=30)[feed.topic].result(30)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables, and have settings and engines made anew inside and after."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        _forget()
        yield
    _forget()


def _forget() -> None:
    get_settings.cache_clear()
    get_engine.cache_clear()


def _wait_until(is_up: Callable[[], bool], output: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_up():
        if time.monotonic() > deadline:
            raise RuntimeError(output.read_text())
        time.sleep(0.2)
