"""What *Now* reads, on a real database, against pandas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from tests.dialects import mssql_in_campaign
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.dashboards.queries.now import read_newest_alerts, read_series, read_snapshot, recent
from vigie.dashboards.queries.states import state_of
from vigie.dashboards.queries.views import AT
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
START = datetime(2026, 2, 27, 20, tzinfo=UTC)
SPAN = timedelta(hours=30)


@each_feed
def test_a_snapshot_equals_pandas(warehouse: Engine, feed: Feed) -> None:
    readings = store_all(warehouse, feed, batches(feed, 1, START, SPAN))
    newest = readings["event_time"].max()
    last = readings.sort_values("event_time").groupby("sensor").tail(1).sort_values("sensor")

    with get_engine("reader").connect() as connection:
        found = read_snapshot(connection, feed)

    assert found.as_of == newest
    assert found.ago > timedelta(days=30)
    late = readings["event_time"] > newest - recent(feed)
    assert found.readings == late.sum()
    assert found.reporting == readings[late]["sensor"].nunique()
    assert found.sensors["sensor"].tolist() == last["sensor"].tolist()
    assert found.sensors["event_time"].tolist() == last["event_time"].tolist()
    for name in feed.fields:
        np.testing.assert_allclose(found.sensors[name], last[name], err_msg=name)
    assert found.quarantined == 0


@each_feed
def test_a_feed_without_readings_is_empty(warehouse: Engine, feed: Feed) -> None:
    with get_engine("reader").connect() as connection:
        found = read_snapshot(connection, feed)

    assert (found.as_of, found.readings, found.reporting) == (None, 0, 0)
    assert found.sensors.empty
    assert state_of(found).empty


@each_feed
def test_a_short_series_has_the_readings_and_a_long_one_means_of_panes(
    warehouse: Engine, feed: Feed
) -> None:
    readings = store_all(warehouse, feed, batches(feed, 2, START, SPAN))
    fields, sensors = list(feed.fields)[:2], ["s-0", "s-2"]
    end = START + SPAN
    pane = pd.Timedelta(feed.windows.pane)
    mine = readings[readings["sensor"].isin(sensors)]

    with get_engine("reader").connect() as connection:

        def read(begin: datetime) -> pd.DataFrame:
            found = read_series(
                connection, feed, fields=fields, sensors=sensors, begin=begin, end=end
            )
            return found.sort_values(["sensor", AT]).reset_index(drop=True)

        short, long = read(end - timedelta(hours=1)), read(end - 61 * feed.windows.pane)

    recently = mine[mine["event_time"] > end - timedelta(hours=1)]
    recently = recently.sort_values(["sensor", "event_time"])
    assert short[AT].tolist() == recently["event_time"].tolist()
    np.testing.assert_allclose(short[fields], recently[fields])

    floored = mine.assign(**{AT: mine["event_time"].dt.floor(pane)})
    means = floored.groupby(["sensor", AT])[fields].mean().reset_index()
    means = means[(means[AT] > end - 61 * pane) & (means[AT] <= end)]
    assert long[AT].tolist() == means[AT].tolist()
    np.testing.assert_allclose(long[fields], means[fields])


@each_feed
def test_flagged_readings_of_the_last_day_are_the_newest_first(
    warehouse: Engine, feed: Feed
) -> None:
    readings = store_all(warehouse, feed, batches(feed, 3, START, SPAN))
    as_of = readings["event_time"].max()

    with get_engine("reader").connect() as connection:
        found = read_newest_alerts(connection, feed, as_of)

    assert found["event_time"].is_monotonic_decreasing
    assert set(found["rule"]) <= feed.alerts.keys()
    flagged = readings[
        (readings["alerts"] > 0) & (readings["event_time"] > as_of - pd.Timedelta(days=1))
    ]
    newest = flagged["event_time"].sort_values(ascending=False).drop_duplicates()
    seen = found["event_time"].drop_duplicates().tolist()
    assert seen == newest.head(len(seen)).tolist()
    assert len(seen) >= min(len(newest), 12)


def test_an_open_alert_a_status_and_silence_make_a_state(warehouse: Engine) -> None:
    feed = next(feed for feed in FEEDS if feed.status and feed.alerts)
    store_all(warehouse, feed, batches(feed, 4, START, SPAN))
    critical = next(name for name, rule in feed.alerts.items() if rule.severity == "critical")
    with warehouse.begin() as connection:
        ids = dict(connection.execute(_numbers(core.sensor, "sensor")).all())
        rules = dict(connection.execute(_numbers(core.rule, "rule")).all())
        connection.execute(core.alert_state.delete())
        row = {"feed": feed.name, "since": START, "peak": 99.0, "last_flagged": START + SPAN}
        key = {"sensor_id": ids["s-1"], "rule_id": rules[critical]}
        connection.execute(insert(core.alert_state), [row | key])

    with get_engine("reader").connect() as connection:
        found = read_snapshot(connection, feed)

    assert found.alerts[["sensor", "rule", "severity"]].to_numpy().tolist() == [
        ["s-1", critical, "critical"]
    ]
    states = dict(zip(found.sensors["sensor"], state_of(found), strict=True))
    for sensor, state in states.items():
        row = found.sensors.set_index("sensor").loc[sensor]
        if not row["is_reporting"]:
            assert state == "silent"
        elif sensor == "s-1":
            assert state == "critical"
        else:
            assert state == row["status_level"]


def _numbers(table, name):
    return table.select().with_only_columns(table.c[name], table.c[f"{name}_id"])
