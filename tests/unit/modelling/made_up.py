"""Readings made up from a seed, with gaps and several sensors."""

from __future__ import annotations

import numpy as np

from vigie.contract.loader import get_feed
from vigie.modelling.dataset import Dataset
from vigie.modelling.nox import INPUTS
from vigie.modelling.readings import Readings

DAY = np.timedelta64(1, "D")
HOUR = np.timedelta64(1, "h")
BEGIN = np.datetime64("2026-01-01T00:00", "ms")


def turbines(rows: int, *, seed: int, sensors: int = 3, missing: float = 0.05) -> Readings:
    """Hourly readings of turbines within the contract's ranges, in the order of time."""
    random = np.random.default_rng(seed)
    fields = get_feed("gas_turbine").fields
    values = {}
    for name in (*INPUTS, "nox"):
        low, high = fields[name].valid or (0.0, 1.0)
        values[name] = random.uniform(low, high, rows)
        values[name][random.random(rows) < missing] = np.nan
    hours = np.sort(random.integers(0, 2 * rows, rows))
    names = np.array([f"turbine-{n}" for n in random.integers(0, sensors, rows)])
    return Readings(names, BEGIN + hours * HOUR, values)


def meters(days: int, *, seed: int, sensors: int = 2) -> Readings:
    """Half-hourly consumption with a daily habit, noise and gaps, in the order of time."""
    random = np.random.default_rng(seed)
    half_hours = np.arange(1, days * 48 + 1)
    times = np.repeat(BEGIN + half_hours * np.timedelta64(30, "m"), sensors)
    names = np.tile([f"meter-{n}" for n in range(sensors)], len(half_hours))
    habit = 0.2 + 0.2 * np.sin(2 * np.pi * np.repeat(half_hours, sensors) / 48)
    kept = random.random(len(times)) > 0.05
    kwh = habit + random.exponential(0.1, len(times))
    return Readings(names[kept], times[kept], {"kwh": kwh[kept]})


def line(days: int, *, seed: int = 0) -> Dataset:
    """An hourly data set whose target is a line in its one feature, with noise."""
    random = np.random.default_rng(seed)
    times = BEGIN + np.arange(days * 24) * HOUR
    feature = random.normal(size=len(times))
    target = 3 * feature + random.normal(scale=0.1, size=len(times))
    return Dataset(
        sensors=np.full(len(times), "s"),
        times=times,
        made=times,
        known=times + DAY,
        features=feature[:, None],
        target=target,
        rows=np.arange(len(times)),
        baselines={"nought": np.zeros(len(times))},
    )
