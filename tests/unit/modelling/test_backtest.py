from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.modelling.made_up import DAY, HOUR, line, turbines
from tests.unit.modelling.test_gate import GOOD, OneFeature
from vigie.contract.loader import get_feed
from vigie.errors import ModelError
from vigie.modelling.backtest import run_backtest
from vigie.modelling.learned import MODELS, find_model
from vigie.modelling.nox import INPUTS, Nox

FIGURES = {"r2", "mae", "rmse", "bias"}
Files = Callable[[int], list[Path]]


class Quick(Nox):
    """The model of NOx with an estimator that takes no time; all else as it is."""

    rows = 200

    def estimator(self) -> Any:
        return GOOD.estimator()


def test_each_row_is_predicted_once_and_training_follows_the_cadence() -> None:
    data = line(60)
    begin = data.made[40 * 24]
    for cadence, fits in (("daily", 20), ("weekly", 3), ("monthly", 1), ("drift", 1)):
        tested = run_backtest(GOOD, data, begin=begin, cadence=cadence, delay=DAY)
        assert len(tested.rows) == 20 * 24
        assert np.isfinite(tested.predicted).all()
        assert tested.fits == fits
        assert 1 <= tested.promotions <= fits


def test_drift_trains_again_until_the_error_is_small() -> None:
    data = line(90)
    moved = np.where(data.made < data.made[60 * 24], data.target, data.target + 50)
    data = replace(data, target=moved)
    model = OneFeature(GOOD.estimator())
    model.rows = 10 * 24
    tested = run_backtest(model, data, begin=data.made[40 * 24], cadence="drift", delay=DAY)
    errors = np.abs(tested.predicted - tested.rows.target)
    assert errors[: 20 * 24].max() < 1
    assert errors[20 * 24 : 22 * 24].min() > 40
    assert errors[-10 * 24 :].max() < 1
    assert 5 < tested.fits < 30


@pytest.mark.parametrize("day", [3, 10, 17])
def test_no_label_younger_than_the_delay_changes_a_prediction(day: int) -> None:
    readings = turbines(900, seed=11, sensors=1, missing=0)
    model, delay, begin = Quick(), DAY, readings.times[500]
    moment = begin + day * DAY + 5 * HOUR
    labels = readings.values["nox"]
    young = readings.times > moment - delay
    spoiled = replace(
        readings, values={**readings.values, "nox": np.where(young, labels + 500, labels)}
    )
    runs = [
        run_backtest(
            model, model.dataset(one, "nox", delay), begin=begin, cadence="daily", delay=delay
        )
        for one in (readings, spoiled)
    ]
    for_now = runs[0].rows.made <= moment
    assert 0 < for_now.sum() < len(for_now)
    np.testing.assert_array_equal(runs[0].predicted[for_now], runs[1].predicted[for_now])
    assert not np.array_equal(runs[0].predicted[~for_now], runs[1].predicted[~for_now])


def test_nothing_to_predict_is_an_error() -> None:
    data = line(30)
    with pytest.raises(ModelError, match="no reading from"):
        run_backtest(GOOD, data, begin=data.made[-1] + DAY, cadence="daily", delay=DAY)


def test_every_model_a_contract_may_name_exists_and_finds_its_feed() -> None:
    for name, model in MODELS.items():
        found, feed, block = find_model(name)
        assert found is model
        assert block.target in feed.fields
    assert set(INPUTS) < set(get_feed("gas_turbine").fields)
    with pytest.raises(ModelError, match="no such model; there are: nox, consumption"):
        find_model("weather")
