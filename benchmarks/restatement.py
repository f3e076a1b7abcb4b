"""What restating a day costs, against streaming messages like it in bulk, in one run.

    python -m benchmarks.restatement --messages 1000000

A long-running stream stores the messages, measured as in `benchmarks.ingest`. Then days of them are
restated in one Spark session while the stream waits: two of which nothing changes, and one whose
every reading does. At last a day of 200,000 readings that all change is restated while live
readings come in: for how long did the stream not commit?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import psutil
import typer
from pyspark.sql import SparkSession
from sqlalchemy import update

from benchmarks.measure import (
    Bulk,
    Cpu,
    LedgerWatch,
    cpu_of,
    cpu_of_descendants,
    cpu_of_postgres,
    measure_bulk,
    measure_call,
)
from benchmarks.messages import SENSORS, START, send_bulk
from benchmarks.pause import measure_pause
from benchmarks.services import Services, running_services
from benchmarks.sides import alive, running_stream
from vigie.broker.offsets import read_topic
from vigie.cli.output import clear_errors, err, out, print_table
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.lake.archive import archive
from vigie.lake.session import open_lake_session
from vigie.restatement.restate import Why, restate_day
from vigie.restatement.stored import day_span
from vigie.supervision.driver import JAVA_OPTIONS
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.roll_ups import roll_up

_FEED = "air_quality"
_DAY = timedelta(days=1)
_STEP = timedelta(minutes=2)
"""Of the bulk: 360,000 readings a day."""
_SMALL_DAY = 31
_SMALL = 200_000
_WHY = Why("benchmark")


@clear_errors
def main(
    messages: Annotated[int, typer.Option(min=1, help="Messages measured.")] = 1_000_000,
    warm_up: Annotated[int, typer.Option(min=4, help="Full batches before the clock.")] = 6,
) -> None:
    """Print CPU seconds per million of streaming and restating, their ratio, and the pause."""
    feed = get_feed(_FEED)
    with (
        TemporaryDirectory(prefix="vigie-bench-") as name,
        running_services(Path(name)) as services,
        services.connect() as connection,
    ):
        count = messages + warm_up * feed.stream.max_rows
        _say(f"sending {count + _SMALL:,} messages")
        send_bulk(feed, count, step=_STEP)
        send_bulk(feed, _SMALL, start=START + _SMALL_DAY * _DAY, step=_DAY / (_SMALL / SENSORS))
        watch = LedgerWatch(connection, core.ledger.fullname, feed.name)
        log = Path(name) / "stream.log"
        with running_stream(log, feed, java_options=JAVA_OPTIONS) as driver:
            check = alive(driver, log)
            _say("the stream reads them")
            stream = _stream(services, watch, driver, feed, warm_up=warm_up, check=check)
            spark, jvm = _open_session()
            archive(spark, feed)
            restated = dict(_days(services, watch, spark, jvm, feed))
            _spoil(feed, _SMALL_DAY)
            services.settle()
            pause = measure_pause(watch, feed, lambda: _restate(spark, feed, _SMALL_DAY), check)
            spark.stop()
    _report(stream, restated)
    out.print(str(pause), highlight=False)


def _stream(
    services: Services,
    watch: LedgerWatch,
    driver: psutil.Popen,
    feed: Feed,
    *,
    warm_up: int,
    check: Callable[[], None],
) -> Bulk:
    ends = {part: end for part, (_, end) in read_topic(feed.topic).partitions.items()}

    def meter() -> Cpu:
        python = cpu_of_descendants(driver)
        return {"Spark JVM": cpu_of(driver), "Python": python, **_database(services, watch)}

    return measure_bulk(watch, meter, warm_up=warm_up, ends=ends, check=check)


def _days(
    services: Services, watch: LedgerWatch, spark: SparkSession, jvm: psutil.Process, feed: Feed
) -> Iterator[tuple[str, Bulk]]:
    """Restate three days of equal size; the first one still has all code to compile."""

    def meter() -> Cpu:
        me = psutil.Process()
        return {"Spark JVM": cpu_of(jvm), "Python": cpu_of(me), **_database(services, watch)}

    for day, changes in enumerate(("nothing, in a new session", "nothing", "every reading")):
        _say(f"restating a day of which changes {changes}")
        if changes == "every reading":
            _spoil(feed, day)
        services.settle()
        yield changes, measure_call(lambda day=day: _restate(spark, feed, day), meter)
    # The last restatement made them too: what it cost without them is the difference.
    span = day_span((START + day * _DAY).date())
    count = _DAY // _STEP * SENSORS
    yield "(its roll-ups alone)", measure_call(lambda: roll_up(feed, *span) and count, meter)


def _restate(spark: SparkSession, feed: Feed, day: int) -> int:
    done = restate_day(spark, feed, (START + day * _DAY).date(), _WHY)
    _say(str(done))
    return done.records


def _spoil(feed: Feed, day: int) -> None:
    """Change every reading of a day behind everybody's back."""
    table, field = feed_tables(feed).reading, next(iter(feed.fields))
    begin, end = day_span((START + day * _DAY).date())
    mine = (table.c.event_time >= begin, table.c.event_time < end)
    with get_engine().begin() as connection:
        connection.execute(update(table).where(*mine).values({field: table.c[field] + 1}))


def _open_session() -> tuple[SparkSession, psutil.Process]:
    """The session, and its JVM."""
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    spark = open_lake_session("benchmark")
    (jvm,) = (c for c in me.children(recursive=True) if c.pid not in before and c.name() == "java")
    return spark, jvm


def _database(services: Services, watch: LedgerWatch) -> Cpu:
    return {"database": cpu_of_postgres(services.postmaster, leave_out=watch.backend)}


def _report(stream: Bulk, restated: dict[str, Bulk]) -> None:
    usual = stream.client_and_database / stream.messages
    rows = []
    for what, one in {"streaming in bulk": stream, **restated}.items():
        cost = one.client_and_database / one.messages
        parts = [f"{seconds:.1f}" for seconds in one.cpu.values()]
        numbers = [f"{one.messages:,}", f"{one.seconds:.1f}", *parts]
        rows.append([what, *numbers, f"{cost * 1e6:.1f}", f"{cost / usual:.2f}"])
    names = ["", "messages", "seconds", *stream.cpu, "CPU seconds per million", "ratio"]
    print_table(names, rows, "streaming, and restating a day of which changes …")


def _say(what: str) -> None:
    err.print(f"[dim]{what} …[/]", highlight=False)


if __name__ == "__main__":
    typer.run(main)
