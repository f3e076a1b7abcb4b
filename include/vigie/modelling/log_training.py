"""What a training leaves in its MLflow run, so that anyone can judge it later."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.inspection import permutation_importance

from vigie.contract.feed import Feed, Model
from vigie.modelling import pictures
from vigie.modelling.dataset import Dataset
from vigie.modelling.figures import figures
from vigie.modelling.gate import Verdict
from vigie.modelling.learned import LearnedModel
from vigie.modelling.readings import Numbers
from vigie.modelling.train import Challenger

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PACKAGES = ("scikit-learn", "numpy", "scipy", "skops", "pandas", "pyarrow", "mlflow")
_SHOWN = 5000
"""Rows of the week that pictures and figures are made from at most, evenly chosen."""
_SHUFFLED = 500
"""Rows that the importances are measured on: each feature means several predictions of them."""


@dataclass(frozen=True)
class Training:
    """A training: what was known, what came of it, and how it was judged."""

    model: LearnedModel
    feed: Feed
    block: Model
    known: Dataset
    challenger: Challenger
    verdict: Verdict


def log_training(client: MlflowClient, run_id: str, training: Training) -> None:
    """Log data range, features, settings, figures, pictures and environment.

    The figures are those of the held-back week.

    Raises:
        mlflow.exceptions.MlflowException: MLflow did not take it.
    """
    from mlflow.entities import Metric, Param

    week = _thin(training.challenger.week, _SHOWN)
    predicted = training.challenger.judged.estimator.predict(week.features)
    metrics, now = _metrics(training, week, predicted), int(time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in _parameters(training).items()],
    )
    names = list(training.model.feature_names)
    client.log_text(run_id, json.dumps(names, indent=1), "features.json")
    client.log_text(run_id, repr(training.challenger.judged.estimator), "estimator.txt")
    client.log_text(run_id, "\n".join(_environment()), "environment.txt")
    unit = training.feed.fields[training.block.target].unit or "no unit"
    drawn = {
        "predicted_and_actual": pictures.predicted_and_actual(week, predicted, unit),
        "residuals": pictures.residuals(week, predicted, unit),
        "importances": pictures.importances(names, _importances(training, week), unit),
    }
    for name, figure in drawn.items():
        client.log_figure(run_id, figure, f"plots/{name}.png")


def _parameters(training: Training) -> dict[str, Any]:
    known, judged, week = training.known, training.challenger.judged, training.challenger.week
    return {
        "feed": training.feed.name,
        "contract": training.feed.hash,
        "target": training.block.target,
        "label_delay": training.block.label_delay,
        "sensors": len(np.unique(known.sensors)),
        "rows_known": len(known),
        "known_begin": known.times.min(),
        "known_end": known.times.max(),
        "judged_rows": judged.rows,
        "judged_begin": judged.begin,
        "judged_end": judged.end,
        "week_rows": len(week),
        "week_begin": week.times.min(),
        "week_end": week.times.max(),
    }


def _metrics(training: Training, week: Dataset, predicted: Numbers) -> dict[str, float]:
    found: dict[str, float | None] = {
        f"week_{name}": value for name, value in asdict(figures(week.target, predicted)).items()
    }
    found |= {"error": training.verdict.challenger, "champion_error": training.verdict.champion}
    for name, column in week.baselines.items():
        there = np.isfinite(column)
        found[f"{name} mae"] = figures(week.target[there], column[there]).mae
    return {name: value for name, value in found.items() if value is not None}


def _importances(training: Training, week: Dataset) -> Numbers:
    """By how much the error on the week grows when one feature's values are shuffled."""
    some = _thin(week, _SHUFFLED)
    estimator = training.challenger.judged.estimator
    found = permutation_importance(
        estimator,
        some.features,
        some.target,
        scoring="neg_mean_absolute_error",
        n_repeats=3,
        random_state=0,
    )
    means: Numbers = found.importances_mean
    return means


def _environment() -> Iterator[str]:
    yield f"python=={sys.version.split()[0]}"
    for package in _PACKAGES:
        yield f"{package}=={version(package)}"


def _thin(rows: Dataset, most: int) -> Dataset:
    if len(rows) <= most:
        return rows
    return rows.take(np.linspace(0, len(rows) - 1, most).astype(np.int64))
