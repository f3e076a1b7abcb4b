"""The two processes that are compared, each with its log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from vigie.contract.feed import Feed
from vigie.local.jars import pyspark_folder
from vigie.supervision.desire import set_desired
from vigie.supervision.driver import submission_request
from vigie.supervision.launches import relaunch
from vigie.warehouse.engines import get_engine

_STOP_SECONDS = 90


@contextmanager
def running_loop(log: Path, feed: Feed) -> Iterator[psutil.Popen]:
    """Run the plain loop; done with the topic, it stays until the end of its standard input."""
    command = [sys.executable, "-m", "benchmarks.plain_loop", feed.name]
    with _logged(command, os.environ, log) as process:
        yield process
        process.communicate(timeout=_STOP_SECONDS)


@contextmanager
def running_stream(log: Path, feed: Feed, *, java_options: str) -> Iterator[psutil.Popen]:
    """Run the feed's driver as a launch; at the end it is asked to stop and does.

    Command, properties and environment are those the supervisor submits; only the Spark master
    between them is left out. The process is the JVM, its child the driver's Python.
    """
    engine = get_engine()
    set_desired(engine, feed.name, "running", person="benchmark")
    launch = relaunch(engine, feed, after=0)
    if launch is None:
        raise RuntimeError(f"{feed.name}: the benchmark's warehouse has a launch already")
    request = submission_request(feed.name, launch, java_options=java_options)
    properties = request["sparkProperties"]
    command = [
        str(pyspark_folder() / "bin" / "spark-submit"),
        *("--driver-memory", properties["spark.driver.memory"]),
        *("--conf", f"spark.driver.extraJavaOptions={java_options}"),
        *request["appArgs"],
    ]
    # Like a worker, in a folder of its own: Spark and the driver's log write into it.
    env = os.environ | request["environmentVariables"]
    with _logged(command, env, log, folder=log.parent) as process:
        yield process
        set_desired(engine, feed.name, "stopped", person="benchmark")
        process.wait(_STOP_SECONDS)


def alive(process: psutil.Popen, log: Path) -> Callable[[], None]:
    """A check that raises, with the end of the log, if the process has ended."""

    def check() -> None:
        if process.poll() is not None:
            raise RuntimeError(f"exit code {process.returncode}; {log} ends:\n{_end(log)}")

    return check


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


@contextmanager
def _logged(
    command: Sequence[str], env: Mapping[str, str], log: Path, *, folder: Path | None = None
) -> Iterator[psutil.Popen]:
    with log.open("wb") as output:
        process = psutil.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for each in (*process.children(recursive=True), process):
                each.kill()
            process.wait()
