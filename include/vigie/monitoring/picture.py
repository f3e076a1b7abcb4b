"""The picture of a model's errors as event time went on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from vigie.errors import ModelError
from vigie.monitoring.record import Check, Day

_TOGETHER = np.timedelta64(3, "D")
_GREY, _BLUE, _RED = "0.75", "tab:blue", "tab:red"


def draw_errors(days: Sequence[Day], check: Check | None, unit: str | None, out: Path) -> None:
    """Write the errors by day, and who took over when, in the format of `out`'s suffix.

    Args:
        days: As `record.newest_days` gives them.
        check: The last look at the model: it tells above which error it is said to drift.
        unit: The target's.
        out: Where to.

    Raises:
        ModelError: Nothing is known yet, or the file cannot be written, or not in that format.
    """
    every = sorted((day for day in days if day.version is None), key=lambda day: day.event_date)
    if not every:
        raise ModelError("no label of a prediction is known yet: there is nothing to draw")
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots()
    for version, first in _takeovers(days)[1:]:
        place = float(date2num(first))
        axes.axvline(place, color=_GREY, lw=0.8)
        axes.text(place, 1.0, str(version), transform=axes.get_xaxis_transform(), fontsize=7)
    dates = np.array([day.event_date for day in every], "datetime64[D]")
    rolling = np.array([day.rolling_mae for day in every])
    # No line across days without a label.
    rolling[1:][np.diff(dates) > _TOGETHER] = np.nan
    axes.plot(dates, [day.mae for day in every], ".", ms=3, color=_GREY, label="one day")
    axes.plot(dates, rolling, color=_BLUE, lw=1, label="three days")
    if check is not None:
        axes.axhline(check.drift_above, color=_RED, lw=1, ls="--", label="drift above")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("mean absolute error" + (f" ({unit})" if unit else ""))
    axes.set_xlabel(f"{every[0].model}: day of event time; above, the version that took over")
    axes.legend(loc="upper right")
    try:
        figure.savefig(out, dpi=100)
    except (OSError, ValueError) as error:
        raise ModelError(f"{out}: {error}; expected a path such as figure.png or .svg") from error


def _takeovers(days: Sequence[Day]) -> list[tuple[int, date]]:
    """Each version and the first day it predicted, oldest first."""
    first: dict[int, date] = {}
    for day in sorted(days, key=lambda day: day.event_date, reverse=True):
        if day.version is not None:
            first[day.version] = day.event_date
    return sorted(first.items())
