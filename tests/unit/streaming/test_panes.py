from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.readings import accepted
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.flag import flag_column
from vigie.streaming.panes import pane_start, summarise
from vigie.warehouse.feed_tables import feed_tables

FEEDS = list(load_feeds().values())
START = datetime(2026, 1, 1, tzinfo=UTC)


def readings(feed: Feed, count: int = 500) -> pa.Table:
    rng = np.random.default_rng(1)
    minutes = rng.integers(0, 24 * 60, count)
    data = [(f"s{i % 3}", START + timedelta(minutes=int(m)), i) for i, m in enumerate(minutes)]
    table = accepted(feed, data).accepted
    table = table.append_column("sensor_id", pa.array([i % 3 for i in range(count)], pa.int32()))
    if feed.status:
        levels = (feed.status.ok, feed.status.warning, feed.status.fault, [None])
        words = pa.array([levels[i % 4][0] for i in range(count)], pa.string())
        table = table.set_column(table.column_names.index("status"), "status", words)
    return table


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_summaries_equal_pandas(feed: Feed) -> None:
    table = readings(feed)
    frame = table.to_pandas()
    frame["pane_start"] = frame["event_time"].dt.floor(pd.Timedelta(feed.windows.pane))

    panes = summarise(table, feed).to_pandas().set_index(["sensor_id", "pane_start"]).sort_index()

    groups = frame.groupby(["sensor_id", "pane_start"])
    assert panes["readings"].tolist() == groups.size().sort_index().tolist()
    for name in feed.fields:
        expected = groups[name].agg(["count", "sum", "min", "max"]).sort_index()
        np.testing.assert_array_equal(panes[f"{name}_n"], expected["count"])
        np.testing.assert_allclose(panes[f"{name}_sum"], expected["sum"].astype(float), rtol=1e-12)
        np.testing.assert_array_equal(panes[f"{name}_min"], expected["min"])
        np.testing.assert_array_equal(panes[f"{name}_max"], expected["max"])


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_columns_are_those_of_the_pane_table(feed: Feed) -> None:
    expected = [column.name for column in feed_tables(feed).pane.columns]

    assert summarise(readings(feed), feed).column_names == expected


@pytest.mark.parametrize("feed", [f for f in FEEDS if f.status], ids=lambda feed: feed.name)
def test_statuses_are_counted_by_level(feed: Feed) -> None:
    panes = summarise(readings(feed, 400), feed)

    assert sum(panes["warnings"].to_pylist()) == 100
    assert sum(panes["faults"].to_pylist()) == 100


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_reading_two_rules_flag_is_one_alert(feed: Feed) -> None:
    table = readings(feed, 10)
    for rule in feed.alerts:
        column = table.column_names.index(flag_column(rule))
        table = table.set_column(column, flag_column(rule), pa.array([True] * 10))

    assert sum(summarise(table, feed)["alerts"].to_pylist()) == (10 if feed.alerts else 0)


def test_a_field_without_values_has_no_minimum_and_sums_to_zero() -> None:
    feed = FEEDS[0]
    name = next(iter(feed.fields))
    table = readings(feed, 5)
    empty = pa.array([None] * 5, pa.float64())
    table = table.set_column(table.column_names.index(name), name, empty)

    panes = summarise(table, feed)

    assert set(panes[f"{name}_n"].to_pylist()) == {0}
    assert set(panes[f"{name}_sum"].to_pylist()) == {0.0}
    assert set(panes[f"{name}_min"].to_pylist()) == {None}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
@pytest.mark.parametrize("year", [1960, 1999, 2026])
def test_a_pane_holds_its_start_and_not_its_end(feed: Feed, year: int) -> None:
    pane = feed.windows.pane
    start = datetime(year, 5, 5, tzinfo=UTC)
    moments = [start, start + pane - timedelta(milliseconds=1), start + pane]
    times = pa.chunked_array([pa.array(moments, pa.timestamp("us", tz="UTC"))])

    assert pane_start(times, feed).to_pylist() == [start, start, start + pane]
