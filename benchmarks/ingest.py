"""Air-quality messages through broker, Spark and warehouse, against a plain loop, in one run.

    python -m benchmarks.ingest --messages 1000000 --rate 2000 --seconds 60 --json ingest.json

All messages wait in the topic before either side starts, so that making them costs neither side
anything. First the plain loop reads them, then the stream; each is measured from the commit of
its last warm-up batch to the commit of its last message. The stream then stays for the latency.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.compare import require_equal
from benchmarks.latency import Latency, measure_latency
from benchmarks.measure import (
    Bulk,
    Cpu,
    LedgerWatch,
    cpu_of,
    cpu_of_descendants,
    cpu_of_postgres,
    measure_bulk,
)
from benchmarks.messages import send_bulk
from benchmarks.plain_store import LEDGER, make_tables
from benchmarks.report import print_report, write_report
from benchmarks.services import Services, running_services
from benchmarks.sides import alive, running_loop, running_stream
from vigie.broker.offsets import read_topic
from vigie.cli.output import clear_errors, err
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.supervision.driver import JAVA_OPTIONS
from vigie.warehouse import core

_FEED = "air_quality"


@clear_errors
def main(
    messages: Annotated[int, typer.Option(min=1, help="Messages measured.")] = 1_000_000,
    warm_up: Annotated[int, typer.Option(min=1, help="Full batches before the clock.")] = 6,
    rate: Annotated[int, typer.Option(min=1, help="Messages a second for the latency.")] = 2000,
    seconds: Annotated[int, typer.Option(min=1, help="How long the rate is measured.")] = 60,
    java_options: Annotated[str, typer.Option(help="The driver's Java options.")] = JAVA_OPTIONS,
    json: Annotated[Path | None, typer.Option(help="Write everything measured here.")] = None,
) -> None:
    """Measure events a second, CPU seconds by part, their ratio, and p50 and p95 to commit."""
    feed = get_feed(_FEED)
    with TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name)
        with running_services(folder) as services:
            count = messages + warm_up * feed.stream.max_rows
            _say(f"sending {count:,} messages, {messages:,} of them measured")
            send_bulk(feed, count)
            topic = read_topic(feed.topic).partitions
            ends = {partition: end for partition, (_, end) in topic.items()}
            _say("the plain loop reads them")
            plain = measure_loop(services, folder, feed, warm_up=warm_up, ends=ends)
            _say("the stream reads them")
            vigie, latency = measure_stream(
                services,
                folder,
                feed,
                warm_up=warm_up,
                ends=ends,
                java_options=java_options,
                rate=rate,
                seconds=seconds,
            )
    sides = {"Vigie": vigie, "plain loop": plain}
    print_report(sides, latency)
    if json:
        options = {"messages": messages, "warm_up": warm_up, "java_options": java_options}
        write_report(json, sides, latency, options=options)


def measure_loop(
    services: Services, folder: Path, feed: Feed, *, warm_up: int, ends: Mapping[int, int]
) -> Bulk:
    """Run the plain loop over the waiting messages."""
    log = folder / "loop.log"
    with services.connect() as connection:
        make_tables(connection, feed)
        services.settle()
        watch = LedgerWatch(connection, LEDGER, feed.name)
        with running_loop(log, feed) as loop:

            def meter() -> Cpu:
                return {"Python": cpu_of(loop), **_servers(services, watch)}

            check = alive(loop, log)
            return measure_bulk(watch, meter, warm_up=warm_up, ends=ends, check=check)


def measure_stream(
    services: Services,
    folder: Path,
    feed: Feed,
    *,
    warm_up: int,
    ends: Mapping[int, int],
    java_options: str,
    rate: int,
    seconds: int,
) -> tuple[Bulk, Latency]:
    """Run the stream over the waiting messages, then at a steady rate.

    Raises:
        RuntimeError: The stream stored something else than the plain loop did.
    """
    log = folder / "stream.log"
    with services.connect() as connection:
        services.settle()
        watch = LedgerWatch(connection, core.ledger.fullname, feed.name)
        with running_stream(log, feed, java_options=java_options) as jvm:

            def meter() -> Cpu:
                python = cpu_of_descendants(jvm)
                return {"Spark JVM": cpu_of(jvm), "Python": python, **_servers(services, watch)}

            check = alive(jvm, log)
            bulk = measure_bulk(watch, meter, warm_up=warm_up, ends=ends, check=check)
            require_equal(connection, feed)
            _say(f"the stream stores {rate} messages a second")
            latency = measure_latency(
                feed, watch, connection, rate=rate, seconds=seconds, check=check
            )
    return bulk, latency


def _servers(services: Services, watch: LedgerWatch) -> Cpu:
    database = cpu_of_postgres(services.postmaster, leave_out=watch.backend)
    return {"broker": cpu_of(services.broker), "database": database}


def _say(what: str) -> None:
    err.print(f"[dim]{what} …[/]", highlight=False)


if __name__ == "__main__":
    typer.run(main)
