from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from tests.unit.modelling.made_up import BEGIN, DAY, meters, turbines
from vigie.modelling.consumption import Consumption
from vigie.modelling.day_features import features as day_features
from vigie.modelling.half_hours import PAST, SLOTS, grid, past, place
from vigie.modelling.learned import MODELS
from vigie.modelling.memory import differences
from vigie.modelling.nox import SPANS, features
from vigie.modelling.on_newest import OnNewest
from vigie.modelling.readings import Readings


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 150), max_size=6))
def test_nox_features_are_the_same_wherever_a_history_is_cut(seed: int, cuts: list[int]) -> None:
    readings = turbines(150, seed=seed)
    whole, after_whole = features({}, readings)
    memory, pieces = {}, []
    edges = [0, *sorted(cuts), len(readings)]
    for begin, end in pairwise(edges):
        piece, memory = features(memory, readings.take(slice(begin, end)))
        pieces.append(piece)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert memory.keys() == after_whole.keys()
    for sensor, rows in memory.items():
        np.testing.assert_array_equal(rows, after_whole[sensor])
        assert len(rows) <= max(SPANS)


def test_a_difference_is_to_the_mean_of_the_sensors_own_rows_before() -> None:
    times = BEGIN + np.arange(6) * DAY
    values = {"x": np.array([1.0, 100.0, 2.0, np.nan, 6.0, 107.0])}
    readings = Readings(np.array(["a", "b", "a", "a", "a", "b"]), times, values)
    columns, memory = differences({}, readings, ["x"], (1, 3))
    expected = [[np.nan] * 2, [np.nan] * 2, [1, 1], [np.nan] * 2, [np.nan, 4.5], [7, 7]]
    np.testing.assert_array_equal(columns, expected)
    np.testing.assert_array_equal(memory["a"].ravel(), [2, np.nan, 6])


def test_features_that_cannot_be_computed_are_missing_not_infinite() -> None:
    readings = turbines(20, seed=1, missing=0)
    readings.values["tit"][:] = readings.values["tat"]
    readings.values["cdp"][:] = 0
    columns, _ = features({}, readings)
    assert not np.isinf(columns).any()
    assert np.isnan(columns).any()


@pytest.mark.parametrize("delay", [np.timedelta64(30, "m"), DAY])
def test_a_days_features_need_its_own_four_weeks_alone(delay: np.timedelta64) -> None:
    readings = meters(40, seed=3, sensors=1)
    day, _ = place(readings.times)
    first, days = int(day[0]), 40
    kwh = readings.values["kwh"]
    whole = day_features(past(grid(readings.times, kwh, first, days), delay), np.arange(40) + first)
    for wanted in (30, 35, 39):
        before = (day >= first + wanted - PAST) & (day < first + wanted)
        by_day = grid(readings.times[before], kwh[before], first + wanted - PAST, PAST + 1)
        known = past(by_day, delay)[:, -1:]
        alone = day_features(known, np.array([first + wanted]))
        np.testing.assert_array_equal(alone, whole[wanted * SLOTS : (wanted + 1) * SLOTS])


def test_a_forecast_knows_no_half_hour_that_ended_less_than_the_delay_ago() -> None:
    readings = meters(40, seed=4)
    delay = np.timedelta64(6, "h")
    made = BEGIN + 35 * DAY
    changed = readings.values["kwh"].copy()
    changed[(readings.times > made - delay)] += 5
    other = Readings(readings.sensors, readings.times, {"kwh": changed})
    one, two = (Consumption().dataset(r, "kwh", delay) for r in (readings, other))
    same = one.made <= made
    assert (one.made == made).sum() > 80
    np.testing.assert_array_equal(one.features[same], two.features[same])
    assert not np.array_equal(one.features[~same], two.features[~same], equal_nan=True)


def test_the_half_hour_that_ends_at_midnight_is_the_last_of_its_day() -> None:
    times = BEGIN + np.array([0, 30, 45, 24 * 60]) * np.timedelta64(1, "m")
    day, slot = place(times)
    today = int(BEGIN.astype("datetime64[D]").astype(int))
    assert day.tolist() == [today - 1, today, today, today]
    assert slot.tolist() == [47, 0, 1, 47]


def test_a_process_over_the_newest_rows_predicts_many_as_it_does_few() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(11_000, 2))
    fitted = OnNewest(LinearRegression(), rows=50).fit(features, features.sum(axis=1))
    predicted = fitted.predict(features)
    assert predicted.shape == (11_000,)
    assert np.allclose(predicted, features.sum(axis=1))


@pytest.mark.parametrize("name", MODELS)
def test_every_feature_has_a_name_of_its_own(name: str) -> None:
    readings, target = (
        (turbines(200, seed=0), "nox") if name == "nox" else (meters(20, seed=0), "kwh")
    )
    data = MODELS[name].dataset(readings, target, DAY)
    names = MODELS[name].feature_names
    assert len(set(names)) == len(names) == data.features.shape[1]
