"""What *Trends* reads, on a real database, against pandas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from tests.dialects import mssql_by_itself, mssql_in_campaign
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.dashboards.queries import trends
from vigie.dashboards.queries.trends import Range
from vigie.dashboards.queries.views import AT
from vigie.warehouse.engines import get_engine
from vigie.warehouse.roll_ups import roll_up_changed

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
START = datetime(2026, 2, 27, 20, tzinfo=UTC)
SPAN = timedelta(hours=30)
SHORT = Range(START, START + SPAN)
LONG = Range(START - timedelta(days=300), START + timedelta(days=60))
SOME = Range(START, START + SPAN, ("s-0", "s-2"))


def stored(engine: Engine, feed: Feed, seed: int) -> pd.DataFrame:
    readings = store_all(engine, feed, batches(feed, seed, START, SPAN))
    roll_up_changed(feed)
    return readings


def summary(groups, fields: list[str]) -> pd.DataFrame:
    parts = {}
    for name in fields:
        parts |= {name: groups[name].mean()}
        parts |= {f"{name}_min": groups[name].min(), f"{name}_max": groups[name].max()}
    return pd.DataFrame(parts).reset_index()


@each_feed
@pytest.mark.parametrize(("chosen", "floor"), [(SHORT, "h"), (LONG, "D"), (SOME, "h")])
def test_evolution_equals_pandas(warehouse: Engine, feed: Feed, chosen: Range, floor: str) -> None:
    readings, fields = stored(warehouse, feed, 1), list(feed.fields)
    if chosen.sensors:
        readings = readings[readings["sensor"].isin(chosen.sensors)]

    with get_engine("reader").connect() as connection:
        found = trends.read_evolution(connection, feed, chosen, fields)

    wanted = summary(readings.groupby(readings["event_time"].dt.floor(floor)), fields)
    assert found[AT].tolist() == wanted["event_time"].tolist()
    np.testing.assert_allclose(found[wanted.columns[1:]], wanted[wanted.columns[1:]])


@each_feed
def test_sensors_are_compared_over_the_whole_range(warehouse: Engine, feed: Feed) -> None:
    readings, fields = stored(warehouse, feed, 2), list(feed.fields)

    with get_engine("reader").connect() as connection:
        found = trends.read_by_sensor(connection, feed, LONG, fields)
        before = trends.read_by_sensor(connection, feed, SHORT.before, fields)

    wanted = summary(readings.groupby("sensor"), fields)
    assert found["sensor"].tolist() == wanted["sensor"].tolist()
    assert found["readings"].tolist() == readings.groupby("sensor").size().tolist()
    np.testing.assert_allclose(found[wanted.columns[1:]], wanted[wanted.columns[1:]])
    assert before.empty


@each_feed
def test_a_whole_range_is_summed_up_as_its_readings_are(warehouse: Engine, feed: Feed) -> None:
    readings, fields = stored(warehouse, feed, 5), list(feed.fields)

    with get_engine("reader").connect() as connection:
        found = trends.read_overall(connection, feed, LONG, fields)

    np.testing.assert_allclose(found[fields].to_numpy()[0], readings[fields].mean())


def test_days_are_compared_with_as_many_days() -> None:
    end = datetime(2026, 3, 31, 14, tzinfo=UTC)
    days = Range(end - timedelta(days=30), end, ("s-0",)).in_whole_units
    assert (days.begin.day, days.end.day, days.end.hour) == (1, 31, 0)
    assert days.before.end == days.begin
    assert days.sensors == ("s-0",)
    assert SHORT.in_whole_units == SHORT


@each_feed
def test_alerts_are_counted_by_day_and_by_sensor(warehouse: Engine, feed: Feed) -> None:
    stored(warehouse, feed, 3)
    with get_engine("reader").connect() as connection:
        rows = pd.DataFrame(
            connection.execute(trends.views.alert(feed).select()).mappings().all(),
            columns=["sensor", "event_time", "rule", "severity", "field", "value"],
        )
        by_day = trends.read_alerts_by_day(connection, feed, LONG)
        by_sensor = trends.read_alerts_by_sensor(connection, feed, LONG)
    days = pd.to_datetime(rows["event_time"], utc=True).dt.floor("D")

    counted = {(r[AT], r["rule"]): r["count"] for r in by_day.to_dict("records")}
    assert counted == rows.groupby([days, "rule"]).size().to_dict()
    counted = {(r["sensor"], r["rule"]): r["count"] for r in by_sensor.to_dict("records")}
    assert counted == rows.groupby(["sensor", "rule"]).size().to_dict()
    assert counted


@mssql_by_itself
@each_feed
def test_correlation_is_that_of_hourly_means(warehouse: Engine, feed: Feed) -> None:
    readings, fields = stored(warehouse, feed, 4), list(feed.fields)

    with get_engine("reader").connect() as connection:
        found = trends.read_correlation(connection, feed, SHORT, fields)

    hourly = readings.groupby(["sensor", readings["event_time"].dt.floor("h")])[fields].mean()
    if len(fields) == 1:
        assert found.empty
        return
    wanted = hourly.corr()
    for row in found.itertuples():
        assert row.value == pytest.approx(wanted.loc[row.one, row.other], abs=1e-7)
    assert len(found) == len(fields) ** 2


@mssql_by_itself
@each_feed
def test_windows_have_the_means_of_their_readings(warehouse: Engine, feed: Feed) -> None:
    readings, fields = stored(warehouse, feed, 5), list(feed.fields)
    window = feed.windows.sliding[0]

    with get_engine("reader").connect() as connection:
        found = trends.read_windows(connection, feed, SOME, fields, window)

    assert set(found["sensor"]) == set(SOME.sensors)
    for row in found.sample(5, random_state=1).to_dict("records"):
        held = readings[
            (readings["sensor"] == row["sensor"])
            & (readings["event_time"] >= row[AT] - window.length)
            & (readings["event_time"] < row[AT])
        ]
        np.testing.assert_allclose([row[name] for name in fields], held[fields].mean())
