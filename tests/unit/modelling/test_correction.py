from __future__ import annotations

import pickle

import numpy as np
import pytest

from tests.unit.modelling.made_up import BEGIN, HOUR
from vigie.modelling.correction import Correction

DELAY = np.timedelta64(24, "h")
ROWS = 120


def rows(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    sensors = random.choice(["a", "b"], ROWS)
    times = BEGIN + np.sort(random.integers(0, 150, ROWS)) * HOUR
    actual = random.normal(60, 10, ROWS)
    actual[random.random(ROWS) < 0.1] = np.nan
    return sensors, times, random.normal(60, 10, ROWS), actual


def new() -> Correction:
    return Correction(DELAY, half_life=8.0, strength=0.5)


@pytest.mark.parametrize("seed", range(20))
def test_no_label_younger_than_the_delay_changes_a_prediction(seed: int) -> None:
    sensors, times, predicted, actual = rows(seed)
    before = new().apply(sensors, times, predicted, actual)
    for row in range(0, ROWS, 7):
        changed = np.where(times > times[row] - DELAY, actual + 1000, actual)
        after = new().apply(sensors, times, predicted, changed)
        np.testing.assert_array_equal(before[: row + 1], after[: row + 1])


def test_a_label_counts_from_the_moment_it_is_as_old_as_the_delay() -> None:
    times = BEGIN + np.array([0, 23, 24]) * HOUR
    same = np.full(3, "a")
    corrected = new().apply(same, times, np.array([10.0, 10, 10]), np.array([14.0, np.nan, np.nan]))
    assert corrected.tolist() == [10, 10, 12]


def test_it_goes_on_from_a_pickled_state_as_if_it_had_not_stopped() -> None:
    columns = rows(7)
    whole = new().apply(*columns)
    first = new()
    head = first.apply(*(column[:50] for column in columns))
    second = pickle.loads(pickle.dumps(first))
    tail = second.apply(*(column[50:] for column in columns))
    np.testing.assert_array_equal(np.concatenate([head, tail]), whole)


def test_a_lasting_error_is_halved() -> None:
    times = BEGIN + np.arange(200) * HOUR
    corrected = new().apply(np.full(200, "a"), times, np.zeros(200), np.full(200, 6.0))
    assert corrected[:24].tolist() == [0] * 24
    np.testing.assert_allclose(corrected[24:], 3.0)


def test_a_preview_changes_nothing_and_may_be_repeated() -> None:
    columns = rows(3)
    whole = new().apply(*columns)
    going = new()
    going.apply(*(column[:60] for column in columns))
    tail = tuple(column[60:] for column in columns)
    first, _ = going.preview(*tail)
    again, changes = going.preview(*tail)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(again, whole[60:])
    going.advance(changes)
    assert going.sensors.keys() == {"a", "b"}


def test_it_is_restored_from_the_newest_rows() -> None:
    random = np.random.default_rng(1)
    count = new().depth + 24 + 100
    times = BEGIN + np.arange(count + 50) * HOUR
    sensors = np.full(count + 50, "a")
    predicted, actual = random.normal(60, 10, (2, count + 50))
    whole = new().apply(sensors, times, predicted, actual)
    restored = new()
    kept = slice(100, count)
    restored.restore("a", times[kept], predicted[kept], actual[kept])
    ahead = slice(count, None)
    columns = (sensors[ahead], times[ahead], predicted[ahead], actual[ahead])
    np.testing.assert_allclose(restored.apply(*columns), whole[ahead], rtol=1e-12)


def test_a_row_that_was_not_predicted_teaches_nothing() -> None:
    times = BEGIN + np.array([0, 1, 24, 25]) * HOUR
    predicted = np.array([np.nan, 10, 10, 10])
    corrected = new().apply(np.full(4, "a"), times, predicted, np.array([50.0, 14, 10, 10]))
    np.testing.assert_array_equal(corrected, [np.nan, 10, 10, 12])
