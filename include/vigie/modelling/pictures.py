"""The pictures of a training: what the model said of the week that judged it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vigie.modelling.dataset import Dataset
from vigie.modelling.readings import Numbers

_BLUE, _RED = "tab:blue", "tab:red"
_NAMED = 25


def predicted_and_actual(week: Dataset, predicted: Numbers, unit: str) -> Figure:
    """One point per reading; on the line, both agree."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot(week.target, predicted, ".", ms=3, color=_BLUE)
    both = np.concatenate([week.target, predicted])
    axes.plot([both.min(), both.max()], [both.min(), both.max()], color=_RED, lw=1)
    axes.set_xlabel(f"actual ({unit})")
    axes.set_ylabel(f"predicted ({unit})")
    return figure


def residuals(week: Dataset, predicted: Numbers, unit: str) -> Figure:
    """Predicted less actual over time."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(week.times, predicted - week.target, ".", ms=3, color=_BLUE)
    axes.axhline(0, color=_RED, lw=1)
    axes.set_ylabel(f"predicted less actual ({unit})")
    return figure


def importances(names: Sequence[str], grown: Numbers, unit: str) -> Figure:
    """The features that matter most: how much the error grows when each is shuffled."""
    order = np.argsort(grown)[-_NAMED:]
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    axes.barh([names[place] for place in order], grown[order], color=_BLUE)
    axes.set_xlabel(f"mean absolute error grows by ({unit})")
    axes.tick_params(axis="y", labelsize=8)
    return figure
