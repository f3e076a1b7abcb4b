"""Ten million readings: what loading them costs, and queries before and after compaction.

    python -m benchmarks.compaction --readings 10000000

A year of `air_quality` readings is committed as a stream's driver does, without Spark: the Arrow
tables of batches into a PostgreSQL of the benchmark's own. At the end a feed of the same shape with
a tenth of the rows is there as well, and both get more, batch by batch in turn: so that what else
the machine does slows both down alike. Then days are changed as restatements change them, the
months are rolled up and compacted, and the same queries run before and after.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import psutil
import pyarrow as pa
import typer
from sqlalchemy import Engine, func, insert, select, text

from benchmarks.measure import Bulk, cpu_of, cpu_of_postgres, measure_call
from tests.services import environment, postgres_stack
from vigie.cli.output import clear_errors, err, out, print_table
from vigie.compaction.record import Compacted
from vigie.compaction.run import compact_feed
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.local import postgres
from vigie.reconciliation.reconcile import reconcile
from vigie.streaming.commit import Batch
from vigie.streaming.flag import flag_column
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.launch import claim, raise_fence
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.ledger import OffsetRange
from vigie.warehouse.roll_ups import roll_up_changed

_FEED = "air_quality"
_SENSORS = 95
_STEP = timedelta(minutes=5)
_START = datetime(2025, 1, 1, tzinfo=UTC)
_BATCH = 100_000
_TIMES = 7
"""How often a query runs; the median counts."""


@clear_errors
def main(
    readings: Annotated[int, typer.Option(min=1_000_000, help="Readings stored.")] = 10_000_000,
) -> None:
    """Print the cost of loading by size of the table, and times of queries."""
    feed = get_feed(_FEED)
    with TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name) / "state"
        with postgres_stack(folder) as stack, environment(VIGIE_STATE=str(stack.state)):
            pid = (postgres.data_folder(stack) / "postmaster.pid").read_text().split()[0]
            loads = _load(feed, readings, psutil.Process(int(pid)))
            _spoil(feed)
            engine = get_engine()
            before = _queries(feed, readings)
            _say("rolling up, then compacting")
            began = time.monotonic()
            roll_up_changed(feed)
            rolled = time.monotonic() - began
            done = list(compact_feed(feed, person="benchmark"))
            seconds = time.monotonic() - began - rolled
            again = _again(feed)
            after = _queries(feed, readings)
            faults = reconcile(feed, engine, patience=0.1).unaccounted
    _report(loads, before, after, done)
    out.print(
        f"roll-ups {rolled:.1f} s; compaction {seconds:.1f} s, a second run {again:.2f} s; "
        f"reconciliation: {'; '.join(faults) or 'clean'}",
        highlight=False,
    )


def _load(feed: Feed, readings: int, postmaster: psutil.Process) -> dict[str, Bulk]:
    """Fill both feeds, then store a tenth more in each, in turn; the cost of those."""
    tenth = readings // 10 // _BATCH * _BATCH
    sizes = {feed.name: readings, _small(feed).name: tenth}
    me, loads = psutil.Process(), {name: Bulk(0, 0.0, {}) for name in sizes}
    feeds = {feed.name: feed, _small(feed).name: _small(feed)}
    made = {name: _splits(feeds[name], size + tenth) for name, size in sizes.items()}
    stores = {name: _open(each) for name, each in feeds.items()}
    for name, size in sizes.items():
        _say(f"storing {size:,} readings of {name}")
        for _ in range(size // _BATCH):
            stores[name].store(next(made[name]))

    def meter() -> dict[str, float]:
        return {"Python": cpu_of(me), "database": cpu_of_postgres(postmaster, leave_out=0)}

    _say(f"storing {tenth:,} more of each, in turn")
    for _ in range(tenth // _BATCH):
        for name, store in stores.items():
            # Making the batch is nobody's cost.
            batch = next(made[name])
            cost = measure_call(lambda s=store, b=batch: s.store(b) or _BATCH, meter)
            loads[name] = _sum(loads[name], cost)
    for store in stores.values():
        store.close()
    return {f"{size:,}": loads[name] for name, size in sizes.items()}


def _sum(one: Bulk, other: Bulk) -> Bulk:
    cpu = {part: one.cpu.get(part, 0.0) + seconds for part, seconds in other.cpu.items()}
    return Bulk(one.messages + other.messages, one.seconds + other.seconds, cpu)


def _small(feed: Feed) -> Feed:
    return replace(feed, feed=f"{feed.name}_small")


def _open(feed: Feed) -> Store:
    """A store for a feed, whose tables are made like those of the shipped one."""
    if feed.name != _FEED:
        with get_engine("owner").begin() as connection:
            for kind, at in (("reading", "event_time"), ("pane", "pane_start")):
                like = f"fact.{_FEED}_{kind} INCLUDING ALL"
                made = f"CREATE TABLE fact.{feed.name}_{kind} (LIKE {like})"
                connection.execute(text(f"{made} PARTITION BY RANGE ({at})"))
    engine = get_engine()
    with engine.begin() as connection:
        row = {"feed": feed.name, "launch": 1, "contract_hash": "c", "code_version": "v"}
        connection.execute(insert(core.launch).values(row))
    fence = claim(engine, feed.name, 1)
    if fence is None:
        raise AssertionError
    raise_fence(engine, feed.name, fence)
    return Store(open_warehouse(engine), engine, feed, fence=fence, pulse=Pulse())


def _splits(feed: Feed, readings: int) -> Iterator[Batch]:
    rng = np.random.default_rng(1)
    step = np.int64(_STEP // timedelta(microseconds=1))
    first = np.int64(_START.timestamp() * 1e6)
    names = pa.array([f"station-{i:03d}" for i in range(_SENSORS)])
    moment = pa.timestamp("us", tz="UTC")
    for begin in range(0, readings, _BATCH):
        number = np.arange(begin, begin + _BATCH, dtype=np.int64)
        at = pa.array(first + number // _SENSORS * step, pa.int64()).cast(moment)
        columns = {
            "kafka_partition": pa.array(np.zeros(_BATCH, np.int32)),
            "kafka_offset": pa.array(number),
            "append_time": at,
            "sensor": names.take(pa.array(number % _SENSORS)),
            "event_time": at,
        }
        for field in feed.fields.values():
            low, high = field.valid or (0.0, 100.0)
            columns[field.name] = pa.array(rng.uniform(low, low + (high - low) * 0.1, _BATCH))
        if feed.position:
            columns["latitude"] = columns["longitude"] = pa.array(np.full(_BATCH, 1.5))
        columns["is_late"] = pa.array(np.zeros(_BATCH, bool))
        for rule in feed.alerts:
            columns[flag_column(rule)] = pa.array(rng.random(_BATCH) < 0.001)
        accepted = pa.table(columns)
        keys = ("kafka_partition", "kafka_offset", "append_time", "sensor", "event_time")
        failed = accepted.slice(0, 0).select(list(keys))
        split = Split(accepted, failed.append_column("reason", pa.array([], pa.string())))
        span = OffsetRange("topic", 0, begin, begin + _BATCH)
        yield Batch([span], {0: _BATCH}, split)


def _spoil(feed: Feed) -> None:
    """Store the first week of each third month anew, as restatements of its days would."""
    reading = feed_tables(feed).reading
    with get_engine().connect() as connection:
        last = connection.scalar(select(func.max(reading.c.event_time)))
    columns = ", ".join(column.name for column in reading.columns)
    for month in range(0, 12, 3):
        begin = _START.replace(month=month + 1)
        span = {"begin": begin, "end": begin + timedelta(days=7)}
        if begin + timedelta(days=31) > last:
            continue
        with get_engine().begin() as connection:
            connection.execute(
                text(
                    f"WITH gone AS (DELETE FROM {reading.fullname} WHERE event_time >= :begin "
                    f"AND event_time < :end RETURNING {columns}) "
                    f"INSERT INTO {reading.fullname} ({columns}) SELECT {columns} FROM gone"
                ),
                span,
            )


def _again(feed: Feed) -> float:
    began = time.monotonic()
    left = list(compact_feed(feed, person="benchmark"))
    if left:
        raise AssertionError(left)
    return time.monotonic() - began


def _queries(feed: Feed, readings: int) -> dict[str, tuple[float, int]]:
    """Milliseconds and rows of each query, asked as an analyst may."""
    field = next(iter(feed.fields))
    middle = _START + (readings // _SENSORS // 2) * _STEP
    end = _START + (readings // _SENSORS) * _STEP
    r, h, d = (f"report.{feed.name}_{kind}" for kind in ("reading", "hourly", "daily"))
    spans = {"hour": timedelta(hours=1), "day": timedelta(days=1), "year": end - middle}
    queries: dict[str, tuple[str, dict[str, datetime]]] = {
        "latest of each station": (f"SELECT * FROM report.{feed.name}_latest", {})
    }
    within = "event_time >= :begin AND event_time < :end GROUP BY sensor"
    mean = f"SELECT sensor, avg({field}), max({field}) FROM {r} WHERE {within}"
    for name, span in spans.items():
        begin = _START if name == "year" else middle
        stop = end if name == "year" else middle + span
        queries[f"{name}, from the readings"] = (mean, {"begin": begin, "end": stop})
    year = {"begin": _START, "end": end}
    for name, table in (("hourly", h), ("daily", d)):
        start = f"{'hour' if name == 'hourly' else 'day'}_start"
        queries[f"year, from the {name} roll-ups"] = (
            f"SELECT sensor, avg({field}_mean), max({field}_max) FROM {table} "
            f"WHERE {start} >= :begin AND {start} < :end GROUP BY sensor",
            year,
        )
    queries["week of one station"] = (
        f"SELECT event_time, {field} FROM {r} WHERE sensor = 'station-007' "
        "AND event_time >= :begin AND event_time < :end ORDER BY 1",
        {"begin": middle, "end": middle + timedelta(days=7)},
    )
    engine = get_engine("reader")
    return {name: _time(engine, *query) for name, query in queries.items()}


def _time(engine: Engine, query: str, values: dict[str, datetime]) -> tuple[float, int]:
    with engine.connect() as connection:

        def ask() -> int:
            return len(connection.execute(text(query), values).all())

        count, taken = ask(), []
        for _ in range(_TIMES):
            began = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - began) * 1000)
        return statistics.median(taken), count


def _report(
    loads: dict[str, Bulk],
    before: dict[str, tuple[float, int]],
    after: dict[str, tuple[float, int]],
    done: list[Compacted],
) -> None:
    big, small = loads.values()
    rows = []
    for size, load in loads.items():
        cost = load.client_and_database / load.messages * 1e6
        parts = [f"{part:.2f}" for part in load.cpu.values()]
        rows.append([size, f"{load.messages:,}", *parts, f"{cost:.2f}", f"{load.seconds:.1f}"])
    names = ["readings there", "more", *big.cpu, "CPU seconds per million", "seconds"]
    print_table(names, rows, "loading")
    ratio = big.client_and_database / small.client_and_database
    out.print(f"the same number of readings, many there against few: {ratio:.2f}", highlight=False)
    asked = [
        [name, f"{ms:.1f}" if count else "-", f"{after[name][0]:.1f}", after[name][1]]
        for name, (ms, count) in before.items()
    ]
    print_table(["query", "ms before", "ms after", "rows after"], asked, "queries")
    months = [
        [
            *(one.table_name, f"{one.month:%Y-%m}", ", ".join(one.steps), one.after.rows),
            *(one.before.bytes >> 20, one.after.bytes >> 20),
            *(*one.query_ms, f"{one.seconds:.1f}"),
        ]
        for one in done
    ]
    names = ["table", "month", "done", "rows", "MiB before", "after", "day ms before", "after", "s"]
    print_table(names, months, "compaction")


def _say(what: str) -> None:
    err.print(f"[dim]{what} …[/]", highlight=False)


if __name__ == "__main__":
    typer.run(main)
