"""A household's electricity of the day ahead (docs/models/consumption.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from vigie.modelling.correction import Correction
from vigie.modelling.dataset import Dataset, join
from vigie.modelling.day_features import FEATURES, features
from vigie.modelling.half_hours import HALF_HOUR, PAST, SLOTS, grid, past, place
from vigie.modelling.readings import Places, Readings

LAST_WEEK, YESTERDAY = "same slot last week", "same slot yesterday"


class Consumption:
    """Predicts the 48 half hours of a day (UTC) as it begins, from the four weeks before."""

    name = "consumption"
    inputs: tuple[str, ...] = ("kwh",)
    feature_names: tuple[str, ...] = FEATURES
    past = timedelta(days=PAST)
    rows: int | None = None
    drift_above = 0.15
    """Mean absolute error of the last three days, in kWh, above which the model has drifted."""

    def dataset(self, readings: Readings, target: str, delay: np.timedelta64) -> Dataset:
        """One row per half hour that was measured and whose last week's value was known."""
        parts = [
            _one_sensor(sensor, readings.take(places), target, places, delay)
            for sensor, places in readings.by_sensor()
        ]
        joined = join(parts)
        usable = np.isfinite(joined.target) & np.isfinite(joined.baselines[LAST_WEEK])
        kept = joined.take(usable)
        return kept.take(np.lexsort((kept.times, kept.made)))

    def ahead(
        self, readings: Readings, target: str, delay: np.timedelta64, day: np.datetime64
    ) -> Dataset:
        """The 48 half hours of `day` of each sensor, as they are seen when it begins.

        The same rows as of a data set that knows what was measured on that day; here nothing of it
        is looked at, and `target` is NaN. Half hours of which last week's value is not known stay
        in, with NaN as that baseline.
        """
        parts = [
            _ahead(sensor, readings.take(places), target, delay, day)
            for sensor, places in readings.by_sensor()
        ]
        return join(parts)

    def estimator(self) -> Any:
        """Gradient boosting of the absolute error: the median, which few high peaks do not move."""
        boosting = HistGradientBoostingRegressor(
            loss="absolute_error",
            max_iter=150,
            min_samples_leaf=50,
            early_stopping=False,
            random_state=0,
        )
        # It refuses a column without any value, such as of half hours the delay always hides.
        filled = SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)
        return make_pipeline(filled, boosting)

    def static(self) -> Any:
        """The same, trained once."""
        return self.estimator()

    def correction(self, delay: np.timedelta64) -> Correction | None:
        """None: an error of yesterday says little about today."""
        return None


def _one_sensor(
    sensor: str, readings: Readings, target: str, places: Places, delay: np.timedelta64
) -> Dataset:
    day, slot = place(readings.times)
    first, count = int(day[0]), int(day[-1] - day[0]) + 1
    by_day = grid(readings.times, readings.values[target], first, count)
    known = past(by_day, delay)
    made = features(known, first + np.arange(count))
    row = (day - first) * SLOTS + slot
    return Dataset(
        sensors=readings.sensors,
        times=readings.times,
        made=day.astype("datetime64[D]").astype("datetime64[ms]"),
        known=readings.times + delay,
        features=made[row],
        target=readings.values[target],
        rows=places,
        baselines={LAST_WEEK: known[6].ravel()[row], YESTERDAY: known[0].ravel()[row]},
    )


def _ahead(
    sensor: str, readings: Readings, target: str, delay: np.timedelta64, day: np.datetime64
) -> Dataset:
    number = int(day.astype("datetime64[D]").astype(np.int64))
    by_day = grid(readings.times, readings.values[target], number - PAST, PAST + 1)
    known = past(by_day, delay)[:, PAST:]
    begin = day.astype("datetime64[D]").astype("datetime64[ms]")
    times = begin + np.arange(1, SLOTS + 1) * HALF_HOUR
    return Dataset(
        sensors=np.full(SLOTS, sensor),
        times=times,
        made=np.full(SLOTS, begin),
        known=times + delay,
        features=features(known, np.array([number])),
        target=np.full(SLOTS, np.nan),
        rows=np.full(SLOTS, -1),
        baselines={LAST_WEEK: known[6, 0], YESTERDAY: known[0, 0]},
    )
