"""Hourly and daily roll-ups on a real database, against pandas."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, delete, select, text, update

from tests.dialects import mssql_in_campaign, only_postgres
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed, Field
from vigie.contract.loader import load_feeds
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import PANE_COUNTS, feed_tables
from vigie.warehouse.migrate import apply
from vigie.warehouse.plan import make_plan, write_plan
from vigie.warehouse.roll_ups import RolledUp, roll_up, roll_up_changed

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
START = datetime(2026, 2, 27, 20, tzinfo=UTC)
SPAN = timedelta(hours=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rows(feed: Feed, table: str) -> pd.DataFrame:
    with get_engine("reader").connect() as connection:
        found = connection.execute(text(f"SELECT * FROM report.{feed.name}_{table}"))
        told = pd.DataFrame([dict(row) for row in found.mappings()])
    for start in {"hour_start", "day_start"} & set(told):
        # SQL Server's times are in UTC and do not say so.
        told[start] = pd.to_datetime(told[start], utc=True)
    return told


def expected(feed: Feed, readings: pd.DataFrame, period: timedelta) -> pd.DataFrame:
    start = readings["event_time"].dt.floor(period)
    groups = readings.groupby(["sensor", start.rename("start")])
    parts = {"readings": groups.size()}
    parts |= {name: groups[name].sum() for name in PANE_COUNTS[1:]}
    for name in feed.fields:
        values = groups[name]
        parts |= {f"{name}_n": values.count(), f"{name}_mean": values.mean()}
        parts |= {f"{name}_min": values.min(), f"{name}_max": values.max()}
        parts |= {f"{name}_median": values.median(), f"{name}_p95": values.quantile(0.95)}
    return pd.DataFrame(parts).reset_index()


def assert_equal(found: pd.DataFrame, wanted: pd.DataFrame, start: str) -> None:
    found = found.rename(columns={start: "start"})
    keys = ["sensor", "start"]
    found, wanted = (f.sort_values(keys).reset_index(drop=True) for f in (found, wanted))
    assert set(found.columns) == set(wanted.columns)
    assert found[keys].to_numpy().tolist() == wanted[keys].to_numpy().tolist()
    for column in wanted.columns.difference(keys):
        have, want = (f[column].astype(float).to_numpy() for f in (found, wanted))
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-12, err_msg=column)


def assert_true(feed: Feed, readings: pd.DataFrame) -> None:
    assert_equal(rows(feed, "hourly"), expected(feed, readings, HOUR), "hour_start")
    assert_equal(rows(feed, "daily"), expected(feed, readings, DAY), "day_start")


def whole(engine: Engine, feed: Feed) -> list[Any]:
    tables = feed_tables(feed)
    with engine.connect() as connection:
        return [
            sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in (tables.hourly, tables.daily)
        ]


@each_feed
def test_roll_ups_equal_pandas_and_change_nothing_the_second_time(
    warehouse: Engine, feed: Feed
) -> None:
    readings = store_all(warehouse, feed, batches(feed, 1, START, SPAN))

    assert roll_up_changed(feed).days == 3

    assert_true(feed, readings)
    before = whole(warehouse, feed)
    assert roll_up_changed(feed) == RolledUp()
    assert roll_up(feed, START, START + SPAN).days == 3
    assert whole(warehouse, feed) == before


def spoil(engine: Engine, feed: Feed, hour: datetime) -> int:
    """Make an hour's roll-ups tell when somebody computes them anew; returns how many there are."""
    hourly = feed_tables(feed).hourly
    spoilt = update(hourly).where(hourly.c.hour_start == hour).values(alerts=-1)
    with engine.begin() as connection:
        return connection.execute(spoilt).rowcount


@only_postgres
def test_whole_numbers_and_booleans_are_rolled_up_as_numbers(
    warehouse: Engine, tmp_path: Path
) -> None:
    extra = {
        "count": Field(name="count", type="integer"),
        "open": Field(name="open", type="boolean"),
    }
    feed = replace(FEEDS[0], fields=FEEDS[0].fields | extra)
    shutil.copytree(get_settings().ddl, tmp_path, dirs_exist_ok=True)
    write_plan(make_plan([feed], tmp_path), tmp_path)
    apply(folder=tmp_path / "postgresql")

    readings = store_all(warehouse, feed, batches(feed, 8, START, SPAN))
    roll_up_changed(feed)

    assert_true(feed, readings)


@each_feed
def test_late_readings_compute_their_hours_anew_and_no_others(
    warehouse: Engine, feed: Feed
) -> None:
    first, late = batches(feed, 2, START, SPAN), batches(feed, 3, START + 2 * HOUR, HOUR)[:1]
    store_all(warehouse, feed, first)
    roll_up_changed(feed)
    spoilt = spoil(warehouse, feed, START + 20 * HOUR)

    readings = store_all(warehouse, feed, late, after=first)
    assert roll_up_changed(feed) == RolledUp(hours=1, days=1)

    hourly = rows(feed, "hourly")
    assert (hourly["alerts"] == -1).sum() == spoilt
    good = hourly[hourly["alerts"] != -1]
    wanted = expected(feed, readings, HOUR)
    assert_equal(good, wanted[wanted["start"] != START + 20 * HOUR], "hour_start")
    roll_up(feed, START + 20 * HOUR, START + 21 * HOUR)
    assert_true(feed, readings)


@each_feed
def test_only_closed_hours_and_days_are_rolled_up(warehouse: Engine, feed: Feed) -> None:
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    readings = store_all(warehouse, feed, batches(feed, 4, now - SPAN, SPAN + timedelta(minutes=4)))

    roll_up_changed(feed)

    # The hour may turn meanwhile: look at what was closed when the test began.
    hourly, daily = expected(feed, readings, HOUR), expected(feed, readings, DAY)
    found = rows(feed, "hourly")
    assert found["hour_start"].max() + HOUR <= datetime.now(UTC)
    closed = found[found["hour_start"] <= now - HOUR]
    assert_equal(closed, hourly[hourly["start"] <= now - HOUR], "hour_start")
    found = rows(feed, "daily")
    assert_equal(found[found["day_start"] < today], daily[daily["start"] < today], "day_start")


def test_readings_stored_while_a_day_is_open_are_rolled_up_once_their_hour_closed(
    warehouse: Engine,
) -> None:
    feed = FEEDS[0]
    readings = store_all(warehouse, feed, batches(feed, 5, START, SPAN))
    with warehouse.begin() as connection:
        # As a run leaves a day that was still open: hours are missing, and nothing is recorded.
        row = {"feed": feed.name, "event_date": START.date()}
        connection.execute(core.roll_up.insert().values(row))

    roll_up_changed(feed)

    assert_true(feed, readings)


def test_a_removed_reading_takes_its_hour_with_it(warehouse: Engine) -> None:
    feed = FEEDS[0]
    readings = store_all(warehouse, feed, batches(feed, 6, START, SPAN))
    roll_up_changed(feed)
    table = feed_tables(feed).reading
    gone = (START + 5 * HOUR, START + 6 * HOUR)
    with warehouse.begin() as connection:
        where = table.c.event_time >= gone[0], table.c.event_time < gone[1]
        connection.execute(delete(table).where(*where))

    roll_up(feed, gone[0] + timedelta(minutes=10), gone[0] + timedelta(minutes=11))

    times = readings["event_time"]
    assert_true(feed, readings[(times < gone[0]) | (times >= gone[1])])


def test_a_day_with_expired_readings_keeps_its_roll_ups(warehouse: Engine) -> None:
    feed = FEEDS[0]
    readings = store_all(warehouse, feed, batches(feed, 7, START, SPAN))
    roll_up_changed(feed)
    table = feed_tables(feed).reading
    with warehouse.begin() as connection:
        count = connection.execute(delete(table).where(table.c.event_time < START + 2 * HOUR))
        first = core.day_count.c.event_date == START.date()
        connection.execute(update(core.day_count).where(first).values(expired=count.rowcount))

    roll_up_changed(feed)
    roll_up(feed, START, START + SPAN)

    assert_true(feed, readings)
