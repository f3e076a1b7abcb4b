from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner, Result

from tests.unit.modelling.made_up import DAY, HOUR, line, turbines
from tests.unit.modelling.test_gate import GOOD, OneFeature
from vigie.cli import app
from vigie.contract.loader import get_feed
from vigie.errors import ModelError
from vigie.modelling.backtest import run_backtest
from vigie.modelling.learned import MODELS, find_model
from vigie.modelling.nox import INPUTS, Nox
from vigie.modelling.report import report

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


def test_missing_values_and_labels_do_not_end_a_backtest() -> None:
    readings = turbines(1500, seed=5, sensors=2, missing=0.1)
    model = Nox()
    data = model.dataset(readings, "nox", DAY)
    begin = readings.times[1200]
    tested = run_backtest(model, data, begin=begin, cadence="monthly", delay=DAY)
    labels = np.full(len(readings), "all")
    result = report(model, data, tested, static_until=begin, months=labels, files=labels)
    assert np.isfinite(tested.predicted).all()
    assert result.overall.rows < len(tested.rows), "rows without a label are not judged"


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


@pytest.fixture
def files(shared_data: Path, tmp_path: Path) -> Files:
    """The first rows of the first two files of a turbine."""

    def files(rows: int) -> list[Path]:
        written = []
        for year in (2011, 2012):
            whole = (shared_data / f"gas_turbine/gt_{year}.csv").read_text().splitlines()
            path = tmp_path / f"gt_{year}.csv"
            path.write_text("\n".join(whole[: rows + 1]) + "\n")
            written.append(path)
        return written

    return files


def backtest(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)])


def test_the_command_on_a_part_of_real_files(files: Files, tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    options = ("--label-delay", "24h", "--cadence", "weekly", "--json", "--plot", picture)
    shown = backtest("nox", *files(360), "--report-from", "gt_2012.csv", *options)
    assert shown.exit_code == 0, shown.output
    result = orjson.loads(shown.stdout)
    assert set(result["overall"]) == FIGURES
    assert {"months", "fits", "promotions", "seconds"} < result.keys()
    assert result["fits"] == 3
    names = [f"gt_2012.csv {month:02}" for month in range(1, 13)]
    assert [month["month"] for month in result["months"]] == names
    assert [month["rows"] for month in result["months"]] == [30] * 12
    for month in result["months"]:
        assert FIGURES | {"static", "baselines"} <= month.keys()
        assert set(month["static"]) == FIGURES
    assert result["overall"]["mae"] < result["beside"]["baselines"]["newest known"]["mae"]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("weather", "x.csv"), "no such model"),
        (("nox", "gt_2011.csv", "--report-from", "gt_2099.csv"), "neither one of the files"),
        (("nox", "gt_2011.csv", "--label-delay", "soon"), "found 'soon', expected a whole number"),
        (("nox", "gt_2011.csv", "--report-from", "2011-01-02"), "rows to train on, expected 100"),
        (("nox", "gt_2011.csv", "--report-from", "2031-01-02"), "no reading from 2031"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    files: Files, arguments: tuple[str, ...], message: str
) -> None:
    paths = {path.name: str(path) for path in files(300)}
    shown = backtest(*(paths.get(word, word) for word in arguments))
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.split())


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_three_years_of_a_turbine(shared_data: Path) -> None:
    """The figures that the model card states; some twenty minutes of one core."""
    paths = [shared_data / f"gas_turbine/gt_{year}.csv" for year in (2011, 2012, 2013)]
    options = ("--label-delay", "24h", "--report-from", "gt_2012.csv", "--json")
    result = orjson.loads(backtest("nox", *paths, *options).stdout)
    worse = [month for month in result["months"] if month["mae"] >= month["static"]["mae"]]
    assert len(result["months"]) == 24
    assert len(worse) <= 2
    last = result["files"][-1]
    assert last["file"] == "gt_2013.csv"
    assert last["r2"] >= 0.84
    assert last["mae"] <= 3.2
