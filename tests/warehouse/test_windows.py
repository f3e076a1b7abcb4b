"""Sliding windows on a real database, against pandas."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, text

from tests.warehouse.random_readings import batches, store_all
from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Window
from vigie.contract.loader import load_feeds
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import PANE_COUNTS, feed_tables

pytestmark = pytest.mark.warehouse

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
START = datetime(2026, 2, 27, 22, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def longest(feed: Feed) -> timedelta:
    return max(window.length for window in feed.windows.sliding)


def slowest(feed: Feed) -> timedelta:
    return max(window.slide for window in feed.windows.sliding)


def windows(feed: Feed, begin: datetime, end: datetime, zone: str = "UTC") -> pd.DataFrame:
    query = text(f"SELECT * FROM report.{feed.name}_windows(:begin, :end)")
    with get_engine("reader").connect() as connection:
        connection.execute(text(f"SET timezone TO '{zone}'"))
        rows = connection.execute(query, {"begin": begin, "end": end}).mappings().all()
    frame = pd.DataFrame([dict(row) for row in rows])
    for column in ("window_start", "window_end"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return frame


def expected(
    feed: Feed, window: Window, readings: pd.DataFrame, begin: datetime, end: datetime
) -> pd.DataFrame:
    """Every window that ends in (begin, end], by looking at each reading for each window."""
    rows = []
    start = EPOCH + (begin - EPOCH) // window.slide * window.slide - window.length
    newest = readings["event_time"].max()
    while start + window.length <= end:
        stop = start + window.length
        times = readings["event_time"]
        inside = readings[(times >= start) & (times < stop)]
        for sensor, part in inside.groupby("sensor") if stop > begin else ():
            row: dict[str, Any] = {"sensor": sensor, "window_start": start, "window_end": stop}
            row |= {"readings": len(part)}
            row |= {name: part[name].sum() for name in PANE_COUNTS[1:]}
            values = part[[*feed.fields]]
            for what, summary in (
                *(("n", values.count()), ("mean", values.mean())),
                *(("min", values.min()), ("max", values.max())),
            ):
                row |= summary.add_suffix(f"_{what}").to_dict()
            rows.append(row | {"is_final": newest >= stop + feed.late_after})
        start += window.slide
    return pd.DataFrame(rows)


def assert_equal(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    keys = ["sensor", "window_start"]
    found, wanted = (f.sort_values(keys).reset_index(drop=True) for f in (found, wanted))
    assert len(wanted)
    assert (
        found[[*keys, "window_end"]].values.tolist()
        == wanted[[*keys, "window_end"]].values.tolist()
    )
    for column in wanted.columns.difference([*keys, "window_end"]):
        have, want = (f[column].astype(float).to_numpy() for f in (found, wanted))
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-12, err_msg=column)


@each_feed
@pytest.mark.parametrize("seed", [1, 2])
def test_windows_equal_pandas(warehouse: Engine, feed: Feed, seed: int) -> None:
    span = 2 * longest(feed)
    readings = store_all(warehouse, feed, batches(feed, seed, START, span))
    begin = START + span / 2
    end = begin + 4 * slowest(feed) - timedelta(seconds=90)

    found = windows(feed, begin, end)

    lengths = [format_duration(window.length) for window in feed.windows.sliding]
    assert sorted(found["window_length"].unique()) == sorted(lengths)
    for window, length in zip(feed.windows.sliding, lengths, strict=True):
        part = found[found["window_length"] == length]
        assert_equal(part, expected(feed, window, readings, begin, end))


@each_feed
def test_windows_do_not_depend_on_the_sessions_time_zone(warehouse: Engine, feed: Feed) -> None:
    # Clocks went forward in Paris at 01:00 UTC of this day.
    start, span = datetime(2026, 3, 28, 20, tzinfo=UTC), timedelta(hours=20)
    store_all(warehouse, feed, batches(feed, 3, start, span))

    here, there = (windows(feed, start, start + span, zone) for zone in ("UTC", "Europe/Paris"))

    order = ["sensor", "window_length", "window_start"]
    a, b = (f.sort_values(order).reset_index(drop=True) for f in (here, there))
    pd.testing.assert_frame_equal(a, b)


@each_feed
def test_late_readings_change_windows_that_were_final(warehouse: Engine, feed: Feed) -> None:
    span, window = 2 * longest(feed), feed.windows.sliding[0]
    newer = batches(feed, 4, START, span)
    late = batches(feed, 5, START - span, 2 * span)

    readings = store_all(warehouse, feed, [*newer, *late])

    begin, end = START - span / 2, START - span / 2 + 8 * window.slide
    found = windows(feed, begin, end)
    part = found[found["window_length"] == format_duration(window.length)]
    assert part["is_final"].any()
    assert_equal(part, expected(feed, window, readings, begin, end))


@each_feed
def test_the_view_has_the_windows_that_ended_in_the_last_24_hours(
    warehouse: Engine, feed: Feed
) -> None:
    now = datetime.now(UTC)
    span = timedelta(hours=30)
    store_all(warehouse, feed, batches(feed, 6, now - span, span))
    view = f"report.{feed.name}_window"
    function = f"report.{feed.name}_windows(now() - interval '24 hours', now())"
    names = [view, *([f"report.{a}"] if (a := feed.aliases.get("windows")) else [])]

    with get_engine("reader").connect() as connection:
        for name in names:
            rows = connection.execute(text(f"SELECT count(*), min(window_end) FROM {name}")).one()
            differing = connection.execute(
                text(f"(TABLE {name} EXCEPT SELECT * FROM {function})")
            ).all()
            assert rows[0] > 0
            assert rows[1] > now - timedelta(hours=24)
            assert differing == []


def fill_panes(engine: Engine, feed: Feed, *, sensors: int, months: int) -> int:
    """Panes of every sensor, one after the other, over whole months from 2026 on."""
    pane = feed_tables(feed).pane
    days = [datetime(2026, m, 1, tzinfo=UTC).date() for m in range(1, months + 1)]
    open_warehouse(engine).ensure_months(pane, days)
    zero = [c.name for c in pane.columns if not c.nullable and not c.primary_key]
    columns = ", ".join(["sensor_id", "pane_start", *zero])
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO dim.sensor (feed, sensor) "
                f"SELECT '{feed.name}', 's-' || i FROM generate_series(1, {sensors}) i"
            )
        )
        statement = text(
            f"INSERT INTO {pane.fullname} ({columns}) "
            f"SELECT s.sensor_id, t, {', '.join('1' for _ in zero)} "
            "FROM generate_series(CAST(:first AS timestamptz), :last, :step) t "
            f"CROSS JOIN dim.sensor s WHERE s.feed = '{feed.name}' ORDER BY t"
        )
        last = datetime(2026, months + 1, 1, tzinfo=UTC) - feed.windows.pane
        values = {"first": datetime(2026, 1, 1, tzinfo=UTC), "last": last}
        inserted = connection.execute(statement, values | {"step": feed.windows.pane})
    with get_engine("owner").begin() as connection:
        connection.execute(text(f"ANALYZE {pane.fullname}"))
    return inserted.rowcount


def touched(plan: Any, prefix: str) -> set[str]:
    """The tables of a plan (EXPLAIN, FORMAT JSON) whose names begin with `prefix`."""
    if isinstance(plan, list):
        return set().union(*(touched(part, prefix) for part in plan))
    if not isinstance(plan, dict):
        return set()
    own = {name} if (name := plan.get("Relation Name", "")).startswith(prefix) else set()
    return own.union(*(touched(part, prefix) for part in plan.values()))


def plan_of_an_hour(feed: Feed, *, generic: bool) -> Any:
    begin, end = "2026-03-17 10:00+00", "2026-03-17 11:00+00"
    call = f"SELECT * FROM report.{feed.name}_windows"
    with get_engine("reader").connect() as connection:
        if not generic:
            query = f"EXPLAIN (FORMAT JSON) {call}('{begin}', '{end}')"
            return connection.execute(text(query)).scalar_one()
        connection.execute(text("SET plan_cache_mode = force_generic_plan"))
        connection.execute(text(f"PREPARE hour(timestamptz, timestamptz) AS {call}($1, $2)"))
        query = f"EXPLAIN (FORMAT JSON) EXECUTE hour('{begin}', '{end}')"
        return connection.execute(text(query)).scalar_one()


@each_feed
@pytest.mark.parametrize("generic", [False, True], ids=["values", "parameters"])
def test_one_hour_touches_one_partition(warehouse: Engine, feed: Feed, generic: bool) -> None:
    fill_panes(warehouse, feed, sensors=1, months=3)

    plan = plan_of_an_hour(feed, generic=generic)

    assert touched(plan, f"{feed.name}_pane") == {f"{feed.name}_pane_202603"}
    assert f"{feed.name}_windows" not in json.dumps(plan)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_one_hour_of_ten_million_panes_touches_one_partition(warehouse: Engine) -> None:
    feed = min(FEEDS, key=lambda feed: len(feed.fields))
    per_sensor = timedelta(days=334) // feed.windows.pane
    panes = fill_panes(warehouse, feed, sensors=-(-10_000_000 // per_sensor), months=11)

    plan = plan_of_an_hour(feed, generic=False)

    assert panes >= 10_000_000
    assert touched(plan, f"{feed.name}_pane") == {f"{feed.name}_pane_202603"}
