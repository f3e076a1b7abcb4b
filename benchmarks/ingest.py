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

import psutil
import psycopg
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
from benchmarks.plain_store import LEDGER
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
    warm_up: Annotated[int, typer.Option(min=1, help="Full batches before the clock.")] = 2,
    rate: Annotated[int, typer.Option(min=1, help="Messages a second for the latency.")] = 2000,
    seconds: Annotated[int, typer.Option(min=1, help="How long the rate is measured.")] = 60,
    java_options: Annotated[str, typer.Option(help="The driver's Java options.")] = JAVA_OPTIONS,
    json: Annotated[Path | None, typer.Option(help="Write everything measured here.")] = None,
) -> None:
    """Measure events a second, CPU seconds by part, their ratio, and p50 and p95 to commit."""
    feed = get_feed(_FEED)
    options: dict[str, object] = {"warm_up": warm_up, "java_options": java_options}
    with TemporaryDirectory(prefix="vigie-bench-") as name, running_services(Path(name)) as services:
        folder = Path(name)
        _say(f"sending {messages + warm_up * feed.stream.max_rows:,} messages")
        send_bulk(feed, messages + warm_up * feed.stream.max_rows)
        sides = {}
        with services.connect() as connection:
            _say("the plain loop reads them")
            plain = _run_loop(services, connection, folder / "loop.log", feed, warm_up=warm_up)
        with services.connect() as connection:
            _say("the stream reads them")
            log = folder / "stream.log"
            ends = _topic_ends(feed)
            watch = LedgerWatch(connection, core.ledger.fullname, feed.name)
            services.settle()
            with running_stream(log, feed, java_options=java_options) as process:
                ...
