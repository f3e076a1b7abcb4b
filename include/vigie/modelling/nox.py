"""Nitrogen oxides in a turbine's exhaust, from its other measurements (docs/models/nox.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesRegressor, VotingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vigie.modelling.correction import Correction
from vigie.modelling.dataset import Dataset
from vigie.modelling.earlier import newest_known
from vigie.modelling.memory import Memory, differences
from vigie.modelling.on_newest import OnNewest
from vigie.modelling.on_residual import OnResidual
from vigie.modelling.readings import Numbers, Readings, Times

INPUTS = ("at", "ap", "ah", "afdp", "gtep", "tit", "tat", "tey", "cdp")
"""Carbon monoxide is left out: it is measured with the target and known no earlier."""
REMEMBERED = ("at", "tit", "tat", "tey", "afdp")
SPANS = (1, 3, 12, 48)
_NOW = list(range(len(INPUTS) + 11))
_HOUR = len(_NOW)
"""Columns of the features: measurements and their ratios; then the time; then the memory."""
_RATIOS = (
    *("pressure ratio", "absolute humidity", "air density", "tey/cdp", "tit-tat", "tey/(tit-tat)"),
    *("gtep/tey", "gtep/cdp", "afdp/cdp", "tit/at", "tit/tat"),
)
FEATURES = (
    *(*INPUTS, *_RATIOS, "time"),
    *(f"{field} less mean of {span}" for field in REMEMBERED for span in SPANS),
)
TRAINED_ON = 4400
"""Rows of each sensor: about half a year of hours. More of them did not help."""
_TREES = 30
_ZERO = 273.15
"""0 °C in kelvin."""


class Nox:
    """Predicts a reading's target at once; its label becomes known later."""

    name = "nox"
    inputs: tuple[str, ...] = INPUTS
    feature_names: tuple[str, ...] = FEATURES
    remembered: tuple[str, ...] = REMEMBERED
    depth = max(SPANS)
    rows: int | None = TRAINED_ON
    drift_above = 3.5
    """Mean absolute error of the last three days, in mg/m³, above which the model has drifted."""

    def dataset(self, readings: Readings, target: str, delay: np.timedelta64) -> Dataset:
        """One row per reading."""
        made, _ = features({}, readings)
        labels = readings.values[target]
        return Dataset(
            sensors=readings.sensors,
            times=readings.times,
            made=readings.times,
            known=readings.times + delay,
            features=made,
            target=labels,
            rows=np.arange(len(readings)),
            baselines={"newest known": newest_known(readings, labels, delay)},
        )

    def features(self, memory: Memory, readings: Readings) -> tuple[Numbers, Memory]:
        """What the estimator sees of each reading, in a history or as it comes."""
        return features(memory, readings)

    def estimator(self) -> Any:
        """The mean of four that err in different ways; the third is far off after a change."""
        parts = {
            "trees": _trees(),
            "on_line": _trees_on_line(),
            "nearby": _nearby(),
            "newest_trees": OnNewest(_trees(), rows=1500),
        }
        return VotingRegressor([*parts.items()], weights=[2, 2, 1, 2])

    def static(self) -> Any:
        """What is usually done: trees on the raw measurements, trained once."""
        raw = ColumnTransformer([("raw", "passthrough", list(range(len(INPUTS))))])
        trees = ExtraTreesRegressor(100, min_samples_leaf=3, random_state=0, n_jobs=-1)
        return make_pipeline(raw, trees)

    def correction(self, delay: np.timedelta64) -> Correction:
        """Two fifths of the error of the last hours whose labels are known."""
        return Correction(delay, half_life=4.0, strength=0.4)


def _trees() -> Any:
    """Trees on all features, the sensor's memory included."""
    return ExtraTreesRegressor(_TREES, max_features=0.5, random_state=0)


def _trees_on_line() -> Any:
    """A line through the measurements of now, which goes on where trees stop, and trees on it."""
    line = make_pipeline(_filled(), StandardScaler(), Ridge(alpha=10.0))
    trees = ExtraTreesRegressor(_TREES, max_features=0.4, random_state=0)
    now = ColumnTransformer([("now", "passthrough", _NOW)])
    return make_pipeline(now, OnResidual(line, trees))


def _nearby() -> Any:
    """A Gaussian process over the last weeks: what was measured in like hours not long ago."""
    scaled = make_pipeline(_filled(), StandardScaler())
    place = ColumnTransformer([("now", scaled, _NOW), ("hour", "passthrough", [_HOUR])])
    kernel = RBF([6.0] * len(_NOW) + [500.0], "fixed") + WhiteKernel(0.05, "fixed")
    process = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True)
    return OnNewest(make_pipeline(place, process), rows=1000)


def _filled() -> Any:
    """Means for what is missing; an input that no row has stays, as the kernel counts columns."""
    return SimpleImputer(keep_empty_features=True)


def features(memory: Memory, readings: Readings) -> tuple[Numbers, Memory]:
    """The features of each reading, and the memory with which those that follow are made.

    Readings must be in the order of event time; the memory of a sensor never seen is empty. What
    is missing, or cannot be computed, is NaN.
    """
    raw = np.column_stack([readings.values[name] for name in INPUTS])
    with np.errstate(all="ignore"):
        ratios = _ratios(*raw.T)
    recent, after = differences(memory, readings, REMEMBERED, SPANS)
    together = np.column_stack([raw, ratios, _hours(readings.times), recent])
    # Trees take numbers of single precision only, and raise on others.
    with np.errstate(over="ignore"):
        usable = np.isfinite(together.astype(np.float32))
    return np.where(usable, together, np.nan), after


def _hours(times: Times) -> Numbers:
    return times.astype("datetime64[ms]").astype(np.int64) / 3_600_000.0


def _ratios(
    at: Numbers,
    ap: Numbers,
    ah: Numbers,
    afdp: Numbers,
    gtep: Numbers,
    tit: Numbers,
    tat: Numbers,
    tey: Numbers,
    cdp: Numbers,
) -> Numbers:
    vapour = ah / 100 * 6.112 * np.exp(17.62 * at / (243.12 + at))
    columns = [
        1 + 1000 * cdp / ap,  # compressor's pressure ratio; cdp is in bar above ambient
        0.622 * vapour / (ap - vapour),  # kilograms of water in a kilogram of dry air
        ap / (at + _ZERO),  # density of the ambient air, but for a constant
        tey / cdp,
        tit - tat,
        tey / (tit - tat),
        gtep / tey,
        gtep / cdp,
        afdp / cdp,
        (tit + _ZERO) / (at + _ZERO),
        (tit + _ZERO) / (tat + _ZERO),
    ]
    return np.column_stack(columns)
