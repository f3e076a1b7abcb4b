"""Backtests of the models as they are: by the command, and on readings with holes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner, Result

from tests.unit.modelling.made_up import DAY, line, turbines
from tests.unit.modelling.test_gate import GOOD
from vigie.cli import app
from vigie.modelling import nox
from vigie.modelling.backtest import run_backtest
from vigie.modelling.nox import INPUTS, Nox
from vigie.modelling.report import report
from vigie.modelling.train import fit

FIGURES = {"r2", "mae", "rmse", "bias"}
Files = Callable[[int], list[Path]]


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


@pytest.mark.parametrize("field", INPUTS)
def test_an_input_that_is_never_reported_stops_no_training(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nox, "_TREES", 2)
    readings = turbines(150, seed=2)
    whole = readings.values[field].copy()
    readings.values[field][:] = np.nan
    data = Nox().dataset(readings, "nox", DAY)
    fitted = fit(Nox(), data.take(np.isfinite(data.target))).estimator
    assert np.isfinite(fitted.predict(data.features)).all()
    readings.values[field][:] = whole
    assert np.isfinite(fitted.predict(Nox().dataset(readings, "nox", DAY).features)).all()


def test_a_baseline_is_compared_where_it_has_a_value_and_the_model_on_every_label() -> None:
    data = line(60)
    late = np.where(data.times.astype("datetime64[h]").astype(int) % 24 == 23, np.nan, data.target)
    never = np.full(len(data), np.nan)
    data = replace(data, baselines={"late": late, "never": never})
    tested = run_backtest(GOOD, data, begin=data.made[-480], cadence="monthly", delay=DAY)
    labels = np.full(len(data), "all")
    found = report(
        GOOD, data, tested, static_until=data.made[-480], months=labels, files=labels
    ).overall
    assert found.rows == 480
    assert found.others["late"].mae == 0.0
    assert found.others["never"].mae is None


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
