"""How good predictions are: R², errors and bias, over all and month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from vigie.modelling.readings import Names, Numbers


@dataclass(frozen=True)
class Figures:
    """R², and in the target's unit mean absolute error, root mean square error and bias.

    The bias is the mean of predicted less actual. Without two rows there is no R²; without one,
    nothing.
    """

    r2: float | None
    mae: float | None
    rmse: float | None
    bias: float | None


@dataclass(frozen=True)
class Part:
    """The figures of some of the rows: of the model and of each it is compared with.

    Those of a baseline are of the rows for which it has a value.
    """

    name: str
    rows: int
    model: Figures
    others: Mapping[str, Figures]


def figures(actual: Numbers, predicted: Numbers) -> Figures:
    """The figures of predictions; all must be finite."""
    if not len(actual):
        return Figures(None, None, None, None)
    return Figures(
        r2=float(r2_score(actual, predicted)) if len(actual) > 1 else None,
        mae=float(mean_absolute_error(actual, predicted)),
        rmse=float(root_mean_squared_error(actual, predicted)),
        bias=float(np.mean(predicted - actual)),
    )


def part(name: str, actual: Numbers, predicted: Numbers, others: Mapping[str, Numbers]) -> Part:
    """The figures of one set of rows."""
    there = {key: np.isfinite(column) for key, column in others.items()}
    beside = {key: figures(actual[there[key]], others[key][there[key]]) for key in others}
    return Part(name, len(actual), figures(actual, predicted), beside)


def parts(
    labels: Names, actual: Numbers, predicted: Numbers, others: Mapping[str, Numbers]
) -> Sequence[Part]:
    """The figures of the rows of each label, in the order in which labels appear."""
    names, first = np.unique(labels, return_index=True)
    found = []
    for name in names[np.argsort(first)]:
        rows = labels == name
        beside = {key: column[rows] for key, column in others.items()}
        found.append(part(str(name), actual[rows], predicted[rows], beside))
    return found
