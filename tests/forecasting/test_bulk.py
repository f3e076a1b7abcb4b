"""Spark's workers forecast with the champion of a real registry."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine

from tests.forecasting.test_forecast import (
    TODAY,
    backtested,
    block,
    each_feed,
    history,
    report,
    trained,
)
from tests.monitoring.filled import fill
from vigie.contract.feed import Feed
from vigie.errors import ModelError
from vigie.forecasting.bulk import forecast_frames, forecast_sensors
from vigie.forecasting.day_ahead import COLUMNS
from vigie.modelling.between import sensor_numbers
from vigie.modelling.gate import Champion
from vigie.modelling.register import begin_run, open_client, register, set_aliases
from vigie.modelling.versions import Release
from vigie.settings import HOME

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]


def publish(feed: Feed) -> Release:
    """Register a real fit and make it champion."""
    name, one = block(feed).name, trained(block(feed).name)
    with open_client() as client:
        release = register(client, name, begin_run(client, name, {}), Champion(one, one))
        set_aliases(client, name, {"champion": release.version})
    return release


@each_feed
def test_a_worker_says_what_the_backtest_says(
    registry: str, warehouse: Engine, feed: Feed, tmp_path: Path
) -> None:
    fill(warehouse, feed, history())
    release = publish(feed)
    frame = pd.DataFrame({"sensor_id": sensor_numbers(feed)})
    pieces = [frame[:2], frame[2:]]
    columns = {"name": block(feed).name, "day": TODAY, "champion": release, "folder": tmp_path}
    found = pd.concat(forecast_frames(pieces, **columns))
    assert [*found.columns] == [*COLUMNS]
    said = {round(value, 12) for value in found["value"].dropna()}
    # The backtest has only what was measured then.
    assert said >= {round(value, 12) for value in backtested(feed).values()}
    assert len(said) <= 2 * 48


@each_feed
def test_workers_say_what_the_backtest_says_and_once(
    spark: SparkSession, registry: str, warehouse: Engine, feed: Feed
) -> None:
    name = block(feed).name
    fill(warehouse, feed, history())
    with pytest.raises(ModelError, match="there is no champion"):
        forecast_sensors(spark, name, TODAY)
    release = publish(feed)

    stored = forecast_sensors(spark, name, TODAY)

    assert (stored.version, stored.forecast, stored.written) == (release.version, 2, 3 * 48)
    found = report(warehouse, feed)
    said = {(row.sensor, row.event_time): row.predicted for row in found.itertuples()}
    for key, value in backtested(feed).items():
        assert said[key] == pytest.approx(value, rel=1e-12)
    # Again, as Airflow submits it.
    app = [sys.executable, str(HOME / "spark_apps" / "forecast_meters.py"), name]
    again = subprocess.run([*app, f"{TODAY:%Y-%m-%d}"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    assert "written=0" in again.stderr
    pd.testing.assert_frame_equal(report(warehouse, feed), found)
    assert forecast_sensors(spark, name, TODAY + timedelta(days=99)).silent == 3
