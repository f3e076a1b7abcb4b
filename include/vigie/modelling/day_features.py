"""The features of a day's half hours, from the four weeks before it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.modelling.half_hours import SLOTS
from vigie.modelling.readings import Numbers

_LAGS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
_YEAR = 365.25
FEATURES = (
    *(f"{lag} days ago" for lag in _LAGS),
    *(f"{what} of the week" for what in ("median", "mean", "least", "most")),
    *(f"{what} of four weeks" for what in ("median", "mean", "least", "most")),
    *("mean of the weekday", "median of the weekday"),
    *(f"median of the week, {shift:+} slots" for shift in (2, 1, -1, -2)),
    *("yesterday, +1 slots", "yesterday, -1 slots", "last week, +1 slots", "last week, -1 slots"),
    *("smoothed mean of the week", "smoothed mean of four weeks"),
    *("yesterday's mean", "last week's mean", "week's mean", "four weeks' mean"),
    "yesterday's last four hours",
    *(f"yesterday's slot {slot}" for slot in range(SLOTS - 4, SLOTS)),
    *("slot", "weekday", "season (sine)", "season (cosine)"),
)
"""What each feature is."""


def features(known: Numbers, days: npt.NDArray[np.int64]) -> Numbers:
    """The features of each half hour of `days` (counted from 1970), by day and then by slot.

    `known` is what `half_hours.past` gives for these days: days back, day, slot. A day's features
    depend on its own four weeks alone, so any stretch of them may be computed by itself.
    """
    week, month = known[:7], known
    with warnings.catch_warnings():
        # Of weeks without a value the mean is NaN, which is what the trees want.
        warnings.simplefilter("ignore", RuntimeWarning)
        usual, usual_of_month = np.nanmedian(week, axis=0), np.nanmedian(month, axis=0)
        mean, mean_of_month = np.nanmean(week, axis=0), np.nanmean(month, axis=0)
        weekday = known[6::7]
        columns = [
            *(known[lag - 1] for lag in _LAGS),
            *(usual, mean, np.nanmin(week, axis=0), np.nanmax(week, axis=0)),
            *(usual_of_month, mean_of_month, np.nanmin(month, axis=0), np.nanmax(month, axis=0)),
            *(np.nanmean(weekday, axis=0), np.nanmedian(weekday, axis=0)),
            *(np.roll(usual, shift, axis=1) for shift in (-2, -1, 1, 2)),
            *(np.roll(known[0], shift, axis=1) for shift in (-1, 1)),
            *(np.roll(known[6], shift, axis=1) for shift in (-1, 1)),
            *(_smooth(mean), _smooth(mean_of_month)),
            *(_all_day(part) for part in (known[0], known[6], mean, mean_of_month)),
            _all_day(known[0][:, -8:]),
            *(_all_day(known[0][:, slot : slot + 1]) for slot in range(SLOTS - 4, SLOTS)),
            *_calendar(days),
        ]
    return np.stack(columns, axis=-1).reshape(len(days) * SLOTS, -1)


def _smooth(profile: Numbers) -> Numbers:
    """Over five half hours; around midnight, the other end of the same day."""
    around = [np.roll(profile, shift, axis=1) for shift in range(-2, 3)]
    smoothed: Numbers = np.nanmean(np.stack(around), axis=0)
    return smoothed


def _spread(by_day: npt.NDArray[np.floating[Any]]) -> Numbers:
    spread: Numbers = np.repeat(by_day.astype(float)[:, None], SLOTS, axis=1)
    return spread


def _all_day(values: Numbers) -> Numbers:
    """The mean of each day's slots that are given."""
    mean: Numbers = np.nanmean(values, axis=1)
    return _spread(mean)


def _calendar(days: npt.NDArray[np.int64]) -> list[Numbers]:
    season = 2 * np.pi * (days % _YEAR) / _YEAR
    slot = np.tile(np.arange(SLOTS, dtype=float), (len(days), 1))
    # 1 January 1970 was a Thursday.
    return [slot, _spread((days + 3.0) % 7), _spread(np.sin(season)), _spread(np.cos(season))]
