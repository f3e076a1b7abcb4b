from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.unit.simulator.series import START, series
from vigie.contract.feed import Alert, Condition, Field
from vigie.contract.loader import load_feeds
from vigie.simulator.generic import GenericModel, quiet_range
from vigie.simulator.model import make_model
from vigie.simulator.noise import Noise
from vigie.simulator.signals import daily

FEEDS = load_feeds()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def turbine() -> pd.DataFrame:
    return series(FEEDS["gas_turbine"], step=HOUR, count=8760)


@pytest.fixture(scope="module")
def stations() -> pd.DataFrame:
    return series(FEEDS["air_quality"], step=HOUR, count=4000, sensors=2)


@pytest.fixture(scope="module")
def rooms() -> pd.DataFrame:
    return series(FEEDS["environment"], step=timedelta(minutes=30), count=4000, sensors=6)


@pytest.fixture(scope="module")
def meters() -> pd.DataFrame:
    frame = series(FEEDS["smart_meter"], step=timedelta(minutes=30), count=17_520, sensors=5)
    return frame.set_index("sensor", append=True)["kwh"].unstack()


@pytest.fixture(scope="module")
def vehicle() -> pd.DataFrame:
    return series(FEEDS["fleet"], step=MINUTE, count=20 * 1440)


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


def test_turbine_nox_is_learnable_for_a_while_and_then_drifts_away(turbine: pd.DataFrame) -> None:
    features = turbine.drop(columns=["nox", "co", "sensor"])
    inputs = np.column_stack([features, features**2, np.ones(len(features))])
    half = 4380
    first = np.arange(half) % 2 == 0
    known, _, _, _ = np.linalg.lstsq(
        inputs[:half][first], turbine["nox"].to_numpy()[:half][first], rcond=None
    )
    residual = turbine["nox"].to_numpy() - inputs @ known
    spread = turbine["nox"].std()
    in_time, later = residual[:half][~first].std(), np.sqrt((residual[half:] ** 2).mean())
    assert in_time < 0.5 * spread
    assert later > 1.3 * in_time


def test_stations_follow_traffic_and_sun(stations: pd.DataFrame) -> None:
    by_hour = stations.groupby(stations.index.hour).mean()
    assert by_hour["no2"][18] > 1.5 * by_hour["no2"][3]
    assert by_hour["o3"][12] > 2 * by_hour["o3"][3]
    assert (stations["pm10"] > stations["pm25"]).all()


def test_stations_share_their_weather(stations: pd.DataFrame) -> None:
    one, other = (part["pm25"] for _, part in stations.groupby("sensor"))
    assert one.corr(other) > 0.8


def test_rooms_fill_by_day_and_are_aired(rooms: pd.DataFrame) -> None:
    weekdays = rooms[rooms.index.dayofweek < 5]
    by_hour = weekdays.groupby(weekdays.index.hour).mean(numeric_only=True)
    assert by_hour["co2"][11] > by_hour["co2"][4] + 150
    assert by_hour["temperature"][16] > by_hour["temperature"][5]
    assert rooms["co2"].max() > 1200, "a full room"
    weekend = rooms[rooms.index.dayofweek == 6]
    assert weekend["co2"].median() < 450


def test_batteries_run_down_and_say_so(rooms: pd.DataFrame) -> None:
    words = rooms.groupby("status")["battery"]
    assert set(words.groups) == {"OK", "WARN", "FAULT", "OFFLINE"}
    assert words.max()["FAULT"] < words.max()["WARN"] < 15
    falls = rooms[rooms["sensor"] == 0]["battery"].diff().dropna()
    assert (falls <= 0).mean() > 0.99, "it rises only when somebody changes it"


def test_meters_have_daily_weekly_and_seasonal_habits(meters: pd.DataFrame) -> None:
    mean = meters.mean(axis=1)
    by_hour = mean.groupby(mean.index.hour).mean()
    assert by_hour[19] > 2 * by_hour[3]
    noon = mean[mean.index.hour == 13]
    assert noon[noon.index.dayofweek >= 5].mean() > 1.1 * noon[noon.index.dayofweek < 5].mean()
    assert mean[mean.index.month == 1].mean() > 1.15 * mean[mean.index.month == 9].mean()


def test_yesterday_says_more_of_a_meter_than_last_week(meters: pd.DataFrame) -> None:
    week = (meters - meters.shift(336)).abs().stack().mean()
    day = (meters - meters.shift(48)).abs().stack().mean()
    usual = sum(meters.shift(48 * back) for back in range(1, 8)) / 7
    assert day < 0.95 * week
    assert (meters - usual).abs().stack().mean() < 0.85 * week


def test_a_vehicle_moves_without_jumps_at_a_plausible_speed(vehicle: pd.DataFrame) -> None:
    north = vehicle["latitude"].diff() * 111.2
    east = vehicle["longitude"].diff() * 111.2 * np.cos(np.radians(vehicle["latitude"]))
    kilometres_an_hour = np.hypot(north, east) * 60
    assert kilometres_an_hour.max() < 120
    assert 0.2 < (kilometres_an_hour > 5).mean() < 0.5, "it drives, and stands"


def test_an_engine_warms_up_and_sometimes_runs_hot(vehicle: pd.DataFrame) -> None:
    minutes = vehicle["temperature"].groupby(vehicle.index.floor("D"))
    assert vehicle["temperature"].diff().abs().max() < 8
    assert vehicle["temperature"].min() < 25
    assert (minutes.max() > 80).any()
    assert (minutes.max() < 80).any()


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
    assert isinstance(make_model(feed, seed=1), GenericModel)
    seen = series(feed, step=3 * HOUR, count=500)
    assert seen["level"].between(0, 4, inclusive="neither").all(), "no alert without a fault"
    assert seen["count"].dtype == np.int64
    assert set(seen["open"]) == {True, False}


def test_quiet_range_is_the_valid_range_without_alerts() -> None:
    feed = FEEDS["environment"]
    assert quiet_range(feed, feed.fields["temperature"]) == (-60, 80)
    assert quiet_range(feed, feed.fields["battery"]) == (15, 100)


def test_daily_peaks_at_its_hour() -> None:
    hours = START.timestamp() + 3600 * np.arange(24.0)
    assert daily(hours, peak_hour=14).argmax() == 14


def test_noise_is_even_normal_and_its_owners_own() -> None:
    noise, owners = Noise("any", 1), np.arange(100_000)
    even, bell = noise.uniform("a", owners), noise.normal("a", owners)
    assert abs(even.mean() - 0.5) < 0.005
    assert abs(bell.mean()) < 0.02
    assert abs(bell.std() - 1) < 0.02
    assert abs(np.corrcoef(even, noise.uniform("b", owners))[0, 1]) < 0.02
    assert abs(np.corrcoef(even[1:], even[:-1])[0, 1]) < 0.02
    assert not np.array_equal(even, Noise("any", 2).uniform("a", owners))
