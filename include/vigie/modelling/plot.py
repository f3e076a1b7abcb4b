"""The picture of a backtest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vigie.errors import ModelError
from vigie.modelling.report import STATIC, Report

_LAST = np.timedelta64(14, "D")
_GREY, _BLUE, _RED = "0.65", "tab:blue", "tab:red"


def plot(report: Report, title: str, unit: str, out: Path) -> None:
    """Write errors by month, the last two weeks, and residuals, in the format of `out`'s suffix.

    Raises:
        ModelError: The file cannot be written, or not in that format.
    """
    figure = Figure(figsize=(11, 9), layout="constrained")
    by_month, lately, residuals = figure.subplots(3, 1)
    figure.suptitle(title)
    _by_month(by_month, report, unit)
    _lately(lately, report, unit)
    _residuals(residuals, report, unit)
    try:
        figure.savefig(out, dpi=100)
    except (OSError, ValueError) as error:
        raise ModelError(f"{out}: {error}; expected a path such as figure.png or .svg") from error


def _by_month(axes: Axes, report: Report, unit: str) -> None:
    places = np.arange(len(report.months))
    static = [month.others[STATIC].mae or 0.0 for month in report.months]
    model = [month.model.mae or 0.0 for month in report.months]
    axes.bar(places - 0.2, static, 0.4, color=_GREY, label="trained once")
    axes.bar(places + 0.2, model, 0.4, color=_BLUE, label="retrained and corrected")
    names = [month.name for month in report.months]
    axes.set_xticks(places, names, rotation=60, ha="right", fontsize=7)
    axes.set_ylabel(f"mean absolute error ({unit})")
    axes.legend()


def _lately(axes: Axes, report: Report, unit: str) -> None:
    """One sensor's last two weeks: of several, lines would lie across each other."""
    rows = report.rows
    shown = (rows.times > rows.times.max() - _LAST) & (rows.sensors == rows.sensors[-1])
    order = np.argsort(rows.times[shown], kind="stable")
    times = rows.times[shown][order]
    axes.plot(times, rows.target[shown][order], color="black", lw=1, label="actual")
    axes.plot(times, report.static[shown][order], color=_GREY, lw=1, label="trained once")
    axes.plot(times, report.predicted[shown][order], color=_BLUE, lw=1, label="predicted")
    axes.set_ylabel(f"{rows.sensors[-1]} ({unit})")
    axes.legend()


def _residuals(axes: Axes, report: Report, unit: str) -> None:
    rows = report.rows
    axes.plot(rows.times, report.predicted - rows.target, ".", ms=1, color=_BLUE)
    axes.axhline(0, color=_RED, lw=1)
    axes.set_ylabel(f"predicted less actual ({unit})")
