"""Spark's workers forecast with the champion of a real registry."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
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
from vigie.forecasting.bulk import forecast_frames
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


def submit(feed: Feed, day: datetime) -> str:
    """Run the job as Airflow does; what it logged."""
    app = [sys.executable, str(HOME / "spark_apps" / "forecast_meters.py"), block(feed).name]
    done = subprocess.run([*app, f"{day:%Y-%m-%d}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@each_feed
def test_the_job_says_what_the_backtest_says_and_once(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    fill(warehouse, feed, history())
    release = publish(feed)

    assert "forecast=2" in submit(feed, TODAY)

    found = report(warehouse, feed)
    assert set(found["model_version"]) == {release.version}
    said = {(row.sensor, row.event_time): row.predicted for row in found.itertuples()}
    for key, value in backtested(feed).items():
        assert said[key] == pytest.approx(value, rel=1e-12)
    assert "written=0" in submit(feed, TODAY)
    pd.testing.assert_frame_equal(report(warehouse, feed), found)
