"""Forecasts on a real database, by a real model, against what the backtest says."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from tests.monitoring.filled import fill, moment
from tests.unit.modelling.made_up import BEGIN, DAY, meters
from vigie.contract.feed import Feed, Model
from vigie.contract.loader import load_feeds
from vigie.forecasting.day_ahead import forecast_day
from vigie.forecasting.store import Stored, store_forecast
from vigie.modelling.backtest import score
from vigie.modelling.between import read_between, sensor_numbers
from vigie.modelling.dataset import Dataset
from vigie.modelling.gate import Champion
from vigie.modelling.learned import MODELS, ForecastModel
from vigie.modelling.readings import Readings
from vigie.modelling.train import Fit, fit
from vigie.monitoring.by_day import sum_up_days

pytestmark = pytest.mark.warehouse

FEEDS = [feed for feed in load_feeds().values() if feed.nightly_model]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
DAYS = 34
TODAY = moment(BEGIN + (DAYS - 1) * DAY)


def block(feed: Feed) -> Model:
    assert feed.model is not None
    return feed.model


def model_of(feed: Feed) -> ForecastModel:
    model = MODELS[block(feed).name]
    assert isinstance(model, ForecastModel)
    return model


@cache
def history() -> Readings:
    """Two meters that were always there, and one that came five days before the end."""
    readings = meters(DAYS, seed=4, sensors=3)
    old = (readings.sensors != "meter-2") | (readings.times > BEGIN + (DAYS - 5) * DAY)
    return readings.take(np.flatnonzero(old))


def data(feed: Feed) -> Dataset:
    delay = np.timedelta64(block(feed).label_delay).astype("timedelta64[ms]")
    return model_of(feed).dataset(history(), block(feed).target, delay)


@cache
def trained(name: str) -> Fit:
    (feed,) = (feed for feed in FEEDS if block(feed).name == name)
    return fit(model_of(feed), data(feed).known_by(BEGIN + (DAYS - 2) * DAY))


def backtested(feed: Feed, day: datetime = TODAY) -> dict[Any, float]:
    """What `vigie backtest` says of the day, by sensor and time."""
    rows = data(feed)
    of_day = rows.take(rows.made == np.datetime64(day.replace(tzinfo=None)))
    one = trained(block(feed).name)
    said = score(Champion(one, one), None, of_day)
    keys = zip(of_day.sensors, of_day.times, strict=True)
    return {(str(s), moment(at)): v for (s, at), v in zip(keys, said, strict=True)}


def run(feed: Feed, day: datetime = TODAY, version: int = 3) -> Stored:
    """As the Spark job does, without Spark."""
    model, numbers = model_of(feed), sensor_numbers(feed)
    readings = read_between(feed, [block(feed).target], day - model.past, day, numbers)
    said = forecast_day(model, trained(block(feed).name), block(feed), readings, day)
    arrow = pa.Table.from_pandas(said, preserve_index=False)
    return store_forecast(feed, block(feed).name, arrow, day, version, sensors=len(numbers))


def report(engine: Engine, feed: Feed) -> pd.DataFrame:
    query = text(f"SELECT * FROM report.{block(feed).name}_forecast ORDER BY sensor, event_time")
    with engine.connect() as connection:
        return pd.DataFrame([dict(row) for row in connection.execute(query).mappings()])


@each_feed
def test_the_forecast_is_what_the_backtest_says(warehouse: Engine, feed: Feed) -> None:
    fill(warehouse, feed, history())
    stored = run(feed)
    assert (stored.written, stored.forecast, stored.silent) == (3 * 48, 2, 0)
    assert {*stored.left_out.values()} == {1}
    found = report(warehouse, feed)
    expected = backtested(feed)
    assert len(expected) > 80
    said = {(row.sensor, row.event_time): row for row in found.itertuples()}
    for key, value in expected.items():
        assert said[key].predicted == pytest.approx(value, rel=1e-12)
        assert said[key].residual == pytest.approx(said[key].actual - value)
    assert set(found["made_at"]) == {pd.Timestamp(TODAY)}
    young = found[found["sensor"] == "meter-2"]
    assert young["predicted"].isna().all()
    assert young["reason"].str.startswith("too little history").all()
    known = found["predicted"].notna()
    assert found["reason"].isna().equals(known)
    assert (found["last_week"].notna() == known).all()


@each_feed
def test_a_second_run_changes_nothing_whoever_is_champion(warehouse: Engine, feed: Feed) -> None:
    fill(warehouse, feed, history())
    run(feed)
    before = report(warehouse, feed)
    assert run(feed, version=4).written == 0
    pd.testing.assert_frame_equal(report(warehouse, feed), before)


@each_feed
def test_a_reason_makes_way_for_a_forecast(warehouse: Engine, feed: Feed) -> None:
    readings = history()
    # What the oldest two measured of the day a week before comes only after the first run.
    week_ago = np.datetime64(TODAY.replace(tzinfo=None)) - 7 * DAY
    late = (readings.times > week_ago) & (readings.times <= week_ago + DAY)
    fill(warehouse, feed, readings.take(np.flatnonzero(~late)))
    assert run(feed).forecast == 0
    fill(warehouse, feed, readings.take(np.flatnonzero(late)))
    again = run(feed, version=4)
    assert again.forecast == 2
    found = report(warehouse, feed)
    assert len(found) == 3 * 48
    assert set(found.loc[found["predicted"].notna(), "model_version"]) == {4}
    assert again.written == found["predicted"].notna().sum()


@each_feed
def test_nothing_of_the_day_is_looked_at(warehouse: Engine, feed: Feed) -> None:
    fill(warehouse, feed, history())
    model, numbers = model_of(feed), sensor_numbers(feed)
    columns = ([block(feed).target], TODAY - model.past)
    fitted = trained(block(feed).name)
    until, beyond = (
        forecast_day(model, fitted, block(feed), read_between(feed, *columns, end, numbers), TODAY)
        for end in (TODAY, TODAY + timedelta(days=1))
    )
    pd.testing.assert_frame_equal(until, beyond)


@each_feed
def test_a_sensor_without_a_reading_is_silent(warehouse: Engine, feed: Feed) -> None:
    fill(warehouse, feed, history())
    stored = run(feed, TODAY + timedelta(days=60))
    assert (stored.written, stored.forecast, stored.silent) == (0, 0, 3)


@each_feed
def test_errors_of_forecasts_are_summed_up_by_day(warehouse: Engine, feed: Feed) -> None:
    fill(warehouse, feed, history())
    run(feed)
    sum_up_days(warehouse, feed, block(feed), moment(history().times[-1]))
    found = report(warehouse, feed).dropna(subset="residual")
    newest = pd.Timestamp(moment(history().times[-1]))
    known = found[found["event_time"] + block(feed).label_delay <= newest]
    assert 0 < len(known) < len(found)
    query = (
        "SELECT sum(predictions), sum(mae * predictions) FROM report.model_error WHERE version = 3"
    )
    with warehouse.connect() as connection:
        count, total = connection.execute(text(query)).one()
    assert count == len(known)
    assert total == pytest.approx(known["residual"].abs().sum())
