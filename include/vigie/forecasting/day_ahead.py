"""The day ahead of some sensors, as the backtest would say it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from vigie.contract.feed import Model
from vigie.modelling.consumption import LAST_WEEK, YESTERDAY
from vigie.modelling.learned import ForecastModel
from vigie.modelling.readings import Readings
from vigie.modelling.train import Fit
from vigie.warehouse.unscored import NoForecast

COLUMNS = {
    "sensor_id": "int",
    "event_time": "timestamp",
    "value": "double",
    "yesterday": "double",
    "last_week": "double",
    "reason": "short",
}
"""What is said of a half hour, with Spark's types; times are UTC."""


def forecast_day(
    model: ForecastModel, fit: Fit, block: Model, readings: Readings, day: datetime
) -> pd.DataFrame:
    """The half hours of `day` (its midnight, UTC) of each sensor that has readings before it.

    Each has a value, or the reason why there is none: a half hour of which last week's value is
    not known is left out, as it is in training. Sensors are named by their number.
    """
    begin = np.datetime64(day.astimezone(UTC).replace(tzinfo=None), "ms")
    # Nothing of the day itself may be looked at.
    before = readings.take(slice(0, int(np.searchsorted(readings.times, begin, side="right"))))
    if not len(before):
        return pd.DataFrame({name: [] for name in COLUMNS})
    delay = np.timedelta64(block.label_delay).astype("timedelta64[ms]")
    rows = model.ahead(before, block.target, delay, begin)
    value = np.full(len(rows), np.nan)
    usable = np.isfinite(rows.baselines[LAST_WEEK])
    if usable.any():
        value[usable] = fit.estimator.predict(rows.features[usable])
    reason = np.where(usable, NoForecast.FAILED.value, NoForecast.TOO_LITTLE_HISTORY.value)
    said = np.isfinite(value)
    columns = {
        "sensor_id": rows.sensors.astype(np.int32),
        "event_time": pd.DatetimeIndex(rows.times).tz_localize(UTC),
        "value": np.where(said, value, np.nan),
        "yesterday": rows.baselines[YESTERDAY],
        "last_week": rows.baselines[LAST_WEEK],
        "reason": pd.array(reason, dtype="Int16"),
    }
    frame = pd.DataFrame(columns)
    frame.loc[said, "reason"] = pd.NA
    return frame
