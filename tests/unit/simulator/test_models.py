from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from vigie.contract.feed import Alert, Condition, Field
from vigie.contract.loader import load_feeds
from vigie.simulator.model import make_model
from vigie.simulator.signals import GenericModel, daily, quiet_range

FEEDS = load_feeds()
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(0, 8760, 3)]


@pytest.fixture(scope="module")
def turbine() -> pd.DataFrame:
    model = make_model(FEEDS["gas_turbine"], seed=1, sensor=0)
    return pd.DataFrame([model.values(at) for at in HOURS], index=HOURS)


@pytest.fixture(scope="module")
def station() -> pd.DataFrame:
    model = make_model(FEEDS["air_quality"], seed=1, sensor=0)
    return pd.DataFrame([model.values(at) for at in HOURS], index=HOURS)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        *(("at", -5, 40), ("ah", 25, 105), ("tit", 1000, 1102), ("tat", 510, 552)),
        *(("tey", 90, 180), ("cdp", 9, 15.5), ("co", 0, 45), ("nox", 25, 120)),
    ],
)
def test_turbine_stays_in_the_ranges_of_a_real_one(
    turbine: pd.DataFrame, name: str, low: float, high: float
) -> None:
    assert low < turbine[name].min()
    assert turbine[name].max() < high


def test_turbine_load_drives_the_rest(turbine: pd.DataFrame) -> None:
    by_hour = turbine.groupby(turbine.index.hour)["tey"].mean()
    assert by_hour[15] > by_hour[3] + 10
    related = turbine.corr()["tey"]
    assert related["cdp"] > 0.9
    assert related["tit"] > 0.8
    assert related["co"] < -0.7
    assert turbine.corr()["nox"]["at"] < -0.5


def test_turbine_nox_level_drifts(turbine: pd.DataFrame) -> None:
    weather = -1.24 * turbine["at"] - 0.27 * turbine["ah"] - 0.17 * turbine["tey"]
    monthly = (turbine["nox"] - weather).resample("30D").mean()
    assert monthly.max() - monthly.min() > 5


def test_station_follows_traffic_and_sun(station: pd.DataFrame) -> None:
    by_hour = station.groupby(station.index.hour).mean()
    assert by_hour["no2"][18] > 1.5 * by_hour["no2"][3]
    assert by_hour["o3"][12] > 2 * by_hour["o3"][3]
    assert (station["pm10"] > station["pm25"]).all()


def test_stations_share_their_weather(station: pd.DataFrame) -> None:
    model = make_model(FEEDS["air_quality"], seed=1, sensor=1)
    other = pd.DataFrame([model.values(at) for at in HOURS], index=HOURS)
    assert station["pm25"].corr(other["pm25"]) > 0.8


def test_a_feed_without_a_model_gets_every_kind_of_field() -> None:
    feed = replace(
        FEEDS["environment"],
        feed="unheard_of",
        fields={
            "level": Field("level", valid=(0, 10)),
            "count": Field("count", type="integer", valid=(0, 50)),
            "open": Field("open", type="boolean"),
        },
        alerts={"high": Alert("high", "info", Condition("level", above=4))},
    )
    model = make_model(feed, seed=1, sensor=0)
    assert isinstance(model, GenericModel)
    seen = [model.values(at) for at in HOURS]
    assert all(0 < values["level"] < 4 for values in seen), "no alert without a fault"
    assert all(isinstance(values["count"], int) for values in seen)
    assert {values["open"] for values in seen} == {True, False}


def test_quiet_range_is_the_valid_range_without_alerts() -> None:
    feed = FEEDS["environment"]
    assert quiet_range(feed, feed.fields["temperature"]) == (-60, 80)
    assert quiet_range(feed, feed.fields["battery"]) == (15, 100)


def test_daily_peaks_at_its_hour() -> None:
    day = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(24)]
    assert max(day, key=lambda at: daily(at, peak_hour=14)).hour == 14
