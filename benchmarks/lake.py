"""What a million messages cost on their way into the lake and out of it.

    python -m benchmarks.lake --messages 1000000

Archive, compaction, coverage and reading back with the stream's parse, check and flag, in one Spark
session that has archived some messages before: CPU seconds of Spark and Python without the broker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import psutil
import typer
from pyspark.sql import SparkSession

from benchmarks.measure import cpu_of, cpu_of_descendants
from benchmarks.messages import send_bulk
from benchmarks.services import Services, running_services
from vigie.cli.output import clear_errors, print_table
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage
from vigie.lake.maintain import maintain
from vigie.lake.place import UNPARSED, file_sizes, open_table
from vigie.lake.read import read_days
from vigie.lake.session import open_lake_session
from vigie.streaming.assemble import judge

_FEED = "air_quality"
_WARM_UP = 100_000


@clear_errors
def main(
    messages: Annotated[int, typer.Option(min=1, help="Messages measured.")] = 1_000_000,
) -> None:
    """Print CPU seconds and seconds of each step."""
    feed = get_feed(_FEED)
    with (
        TemporaryDirectory(prefix="vigie-bench-") as name,
        running_services(Path(name)) as services,
    ):
        spark = open_lake_session("benchmark")
        send_bulk(feed, _WARM_UP)
        archive(spark, feed)
        send_bulk(feed, messages)
        steps: dict[str, Callable[[], Any]] = {
            "archive": lambda: archive(spark, feed),
            "compact and vacuum": lambda: maintain(feed, few=1),
            "coverage": lambda: coverage(feed).is_whole,
            "read and judge": lambda: _judge(spark, feed),
        }
        table = [(step, *_measured(run, services)) for step, run in steps.items()]
        spark.stop()
    print_table(("step", "CPU seconds", "seconds"), table, f"{messages:,} messages of {_FEED}")


def _judge(spark: SparkSession, feed: Feed) -> None:
    """Read every day back as a restatement does."""
    table = open_table(feed.name)
    names = {path.partition("/")[0].removeprefix("day=") for path in file_sizes(table)}
    days = [None if name == UNPARSED else date.fromisoformat(name) for name in names]
    judge(read_days(spark, feed, days), feed).write.format("noop").mode("overwrite").save()


def _measured(run: Callable[[], Any], services: Services) -> tuple[str, str]:
    before, began = _spent(services), time.monotonic()
    run()
    return f"{_spent(services) - before:.1f}", f"{time.monotonic() - began:.1f}"


def _spent(services: Services) -> float:
    """Seconds of this process and Spark; broker and database are left out."""
    me = psutil.Process()
    servers = (services.broker, services.postmaster)
    others = sum(cpu_of(server) + cpu_of_descendants(server) for server in servers)
    return cpu_of(me) + cpu_of_descendants(me) - others


if __name__ == "__main__":
    typer.run(main)
