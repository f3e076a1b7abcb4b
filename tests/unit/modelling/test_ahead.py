"""A day's forecast sees what the backtest sees, and nothing of the day."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.modelling.made_up import BEGIN, DAY, HOUR, meters
from vigie.modelling.consumption import LAST_WEEK, Consumption
from vigie.modelling.readings import Readings

DELAYS = (np.timedelta64(30, "m"), np.timedelta64(7, "h"))
MODEL = Consumption()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("delay", DELAYS)
def test_a_day_ahead_is_seen_as_in_the_data_set(seed: int, delay: np.timedelta64) -> None:
    readings = meters(45, seed=seed)
    day = (BEGIN + (30 + seed) * DAY).astype("datetime64[D]")
    whole = MODEL.dataset(readings, "kwh", delay.astype("timedelta64[ms]"))
    before = readings.take(slice(0, int(np.searchsorted(readings.times, day + 0 * HOUR, "right"))))

    ahead = MODEL.ahead(before, "kwh", delay.astype("timedelta64[ms]"), day)

    assert len(ahead) == 2 * 48
    there = {key: row for row, key in enumerate(zip(ahead.sensors, ahead.times, strict=True))}
    of_day = whole.take(whole.made == day)
    assert len(of_day) > 60
    rows = [there[key] for key in zip(of_day.sensors, of_day.times, strict=True)]
    np.testing.assert_array_equal(ahead.features[rows], of_day.features)
    for name, column in of_day.baselines.items():
        np.testing.assert_array_equal(ahead.baselines[name][rows], column)
    assert np.all(ahead.made[rows] == of_day.made)


def test_a_new_sensor_has_no_value_of_last_week() -> None:
    readings = meters(10, seed=1)
    day = (BEGIN + 10 * DAY).astype("datetime64[D]")
    young = readings.times > BEGIN + 6 * DAY
    names = np.where(young, "young", "old")
    mixed = Readings(names, readings.times, readings.values)
    ahead = MODEL.ahead(mixed, "kwh", DELAYS[0].astype("timedelta64[ms]"), day)
    known = np.isfinite(ahead.baselines[LAST_WEEK])
    assert known[ahead.sensors == "old"].sum() > 40
    assert not known[ahead.sensors == "young"].any()
