"""Baselines: what is known already, said again."""

from __future__ import annotations

import numpy as np

from vigie.modelling.readings import Numbers, Readings


def newest_known(readings: Readings, labels: Numbers, delay: np.timedelta64) -> Numbers:
    """For each reading the newest label of its sensor that is `delay` old; NaN if there is none."""
    newest = np.full(len(readings), np.nan)
    for _, places in readings.by_sensor():
        there = places[np.isfinite(labels[places])]
        known = np.searchsorted(readings.times[there], readings.times[places] - delay, side="right")
        some = known > 0
        newest[places[some]] = labels[there[known[some] - 1]]
    return newest
