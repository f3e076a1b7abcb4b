"""Years replayed to a running stack: drift trains under Airflow, the stream swaps, errors fall."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.airflow import RUN, Airflow
from tests.local_stack import LocalStack, wait_for
from vigie.contract.loader import get_feed
from vigie.modelling.learned import find_model
from vigie.replay.history import read_history

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(3600)]

RATE = "8"
"""Readings a second: a third of a day, since a training that takes a minute is months late else."""


def test_drift_trains_a_champion_that_the_stream_takes_over_and_errors_fall(
    local_stack: LocalStack, shared_data: Path, tmp_path: Path
) -> None:
    feed, airflow = get_feed("gas_turbine"), Airflow(local_stack)
    years = [str(shared_data / "gas_turbine" / f"gt_{year}.csv") for year in (2011, 2012, 2013)]

    with airflow.unpaused("monitor_models", "train_nox"):
        assert local_stack.run("replay", feed.name, years[0]).returncode == 0
        wait_for(lambda: promoted(local_stack), "a first champion", RUN)
        launch = local_stack.stream(feed)["launch"]
        for year in years[1:]:
            sent = local_stack.run("replay", feed.name, year, "--rate", RATE, timeout=1800)
            assert sent.returncode == 0, sent.stderr
        wait_for(lambda: days_to_sum_up(local_stack) <= 2, "errors of the end", RUN)

    assert local_stack.stream(feed)["launch"] == launch
    assert local_stack.account(feed)["lag"] == 0
    asked = local_stack.query("SELECT count(*) FROM ops.model_check WHERE outcome = 'drift'")
    assert asked[0][0] > 0
    assert len(promoted(local_stack)) > 2
    live, once = since_the_first_takeover(local_stack, [Path(year) for year in years])
    print(f"\nmean error after the first takeover {live:.2f}, of the model trained once {once:.2f}")
    assert live < once
    picture = tmp_path / "error.png"
    drawn = local_stack.run("model", "error", "nox", "--days", "1500", "--plot", str(picture))
    assert drawn.returncode == 0, drawn.stderr
    assert picture.stat().st_size > 10_000


def days_to_sum_up(local_stack: LocalStack) -> int:
    """From the last day with a known error to the last prediction."""
    newest = "SELECT max(event_time)::date FROM report.nox_prediction"
    summed = "SELECT coalesce(max(event_date), '2000-01-01') FROM report.model_error"
    return int(local_stack.query(f"SELECT ({newest}) - ({summed} WHERE model = 'nox')")[0][0])


def promoted(local_stack: LocalStack) -> list[int]:
    """The versions that became champion, in order."""
    rows = local_stack.query(
        "SELECT version FROM ops.model_event "
        "WHERE model = 'nox' AND kind = 'promoted' ORDER BY event_id"
    )
    return [version for (version,) in rows]


def since_the_first_takeover(local_stack: LocalStack, years: list[Path]) -> tuple[float, float]:
    """Mean absolute errors on the same readings: of the stream, and of a model trained once.

    That model has learnt the first year and is the one of `vigie backtest`.
    """
    model, feed, block = find_model("nox")
    history = read_history(feed, years)
    data = model.dataset(history.readings, block.target, np.timedelta64(block.label_delay))
    first = data.known_by(history.begin(years[1].name))
    expected = model.static().fit(first.features, first.target).predict(data.features)
    # The files begin anew with each year in the stream, but the order is the same.
    said = local_stack.query(
        "SELECT predicted, actual, model_version FROM report.nox_prediction ORDER BY event_time"
    )
    predicted, actual, versions = (np.array(column, float) for column in zip(*said, strict=True))
    np.testing.assert_array_equal(actual, data.target)
    after = np.arange(len(said)) >= np.argmax(versions > 1)
    live, static = (np.abs(each - actual)[after].mean() for each in (predicted, expected))
    return float(live), float(static)


def test_a_backfill_forecasts_days_of_a_feed_that_was_added(
    local_stack: LocalStack, shared_data: Path
) -> None:
    feed, airflow = get_feed("smart_meter"), Airflow(local_stack)
    quietly = ("--no-simulators", "--no-history")
    added = local_stack.run("up", "--feeds", feed.name, *quietly, timeout=600)
    assert added.returncode == 0, added.stdout + added.stderr
    files = sorted(map(str, (shared_data / "smart_meter").glob("sgsc*")))
    sent = local_stack.run("replay", feed.name, *files, "--json", timeout=600)
    assert sent.returncode == 0, sent.stderr
    local_stack.settle(feed, json.loads(sent.stdout)["sent"])

    with airflow.unpaused("train_consumption"):
        airflow.do("dags", "trigger", "train_consumption")
        trained = airflow.finished("train_consumption", "manual")
        assert trained["state"] == "success"
    days = [last_day(local_stack) - timedelta(days=n) for n in (3, 2, 1)]
    with airflow.unpaused("forecast_consumption"):
        logical = [f"{day - timedelta(days=1)}" for day in days]
        airflow.backfill("forecast_consumption", logical[0], logical[-1])
        wait_for(lambda: airflow.backfill_ended("forecast_consumption"), "the backfill", RUN)

    # A half hour is named by its end.
    said = local_stack.query(
        "SELECT (event_time - interval '1 second')::date, count(predicted), "
        "avg(abs(predicted - actual)), "
        "avg(abs(last_week - actual)) FROM report.consumption_forecast GROUP BY 1 ORDER BY 1"
    )
    print("\nday, half hours forecast, error, error of last week's values:", said)
    assert [day for day, *_ in said] == days
    for _, count, error, baseline in said:
        assert count > 0
        assert error < baseline


def last_day(local_stack: LocalStack) -> date:
    """The last day with readings of meters."""
    rows = local_stack.query("SELECT max(event_time)::date FROM fact.smart_meter_reading")
    found: date = rows[0][0]
    return found
