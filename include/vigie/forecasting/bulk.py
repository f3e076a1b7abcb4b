"""Forecasts of all sensors of a feed: Spark's workers each read some, and say their day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import SparkSession

from vigie.errors import ModelError
from vigie.forecasting.day_ahead import COLUMNS, forecast_day
from vigie.forecasting.store import Stored, store_forecast
from vigie.modelling.between import read_between, sensor_numbers
from vigie.modelling.registry import fetch, find_champion, load_fit
from vigie.modelling.versions import Release
from vigie.settings import get_settings

if TYPE_CHECKING:
    from vigie.modelling.train import Fit

_AT_ONCE = 200
"""Sensors that a worker reads together: four weeks of half hours of so many are some 270,000."""


def forecast_sensors(spark: SparkSession, name: str, day: datetime) -> Stored:
    """Forecast `day` (its midnight, UTC) with the champion, and store what is not stored yet.

    Raises:
        ModelError: The model forecasts no days, or has no champion, or it cannot be loaded.
        RegistryAway: MLflow does not answer.
    """
    from vigie.modelling.learned import ForecastModel, find_model

    model, feed, _ = find_model(name)
    champion = find_champion(name)
    if champion is None or not isinstance(model, ForecastModel):
        what = "there is no champion; `train_<model>` makes one" if champion is None else "no days"
        raise ModelError(f"model {name} cannot forecast {day:%Y-%m-%d}: {what}")
    # Here, so that a file that was changed is named once, and workers find it.
    folder = get_settings().state / "models"
    load_fit(fetch(champion, folder), champion)
    numbers = sensor_numbers(feed)
    parts = max(1, -(-len(numbers) // _AT_ONCE))
    sensors = spark.createDataFrame([(n,) for n in numbers], "sensor_id int").repartition(parts)
    schema = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    work = partial(forecast_frames, name=name, day=day, champion=champion, folder=folder)
    said = sensors.mapInPandas(work, schema).toArrow()
    return store_forecast(feed, name, said, day, champion.version, sensors=len(numbers))


def forecast_frames(
    frames: Iterable[pd.DataFrame], name: str, day: datetime, champion: Release, folder: Path
) -> Iterator[pd.DataFrame]:
    """On a worker: the forecasts of the sensors whose numbers are given, some at a time."""
    from vigie.modelling.learned import ForecastModel, find_model

    model, feed, block = find_model(name)
    assert isinstance(model, ForecastModel)  # noqa: S101 - the driver asked
    for frame in frames:
        numbers = [int(number) for number in frame["sensor_id"]]
        for first in range(0, len(numbers), _AT_ONCE):
            some = numbers[first : first + _AT_ONCE]
            readings = read_between(feed, [block.target], day - model.past, day, some)
            yield forecast_day(model, _fit(champion, folder), block, readings, day)


@cache
def _fit(champion: Release, folder: Path) -> Fit:
    """Once per worker, from the local cache, by its hash."""
    return load_fit(fetch(champion, folder), champion)
