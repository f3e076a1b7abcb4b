"""`vigie backtest`: how good would a model have been?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from pydantic_core import PydanticCustomError
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.contract.durations import parse_duration
from vigie.errors import SettingsError

if TYPE_CHECKING:
    from vigie.modelling.figures import Part
    from vigie.modelling.report import Report

_UNITS = {"h": "hour", "min": "minute", "s": "second", "d": "day"}


@clear_errors
def backtest(
    model: Annotated[str, typer.Argument(help="nox or consumption.")],
    files: Annotated[list[Path], typer.Argument(help="CSV files of its feed; .gz as it is.")],
    cadence: Annotated[
        Literal["monthly", "weekly", "daily", "drift"] | None,
        typer.Option(help="When to train; as the contract says if not given."),
    ] = None,
    label_delay: Annotated[
        str | None,
        typer.Option(
            help="How long after a reading its true value is known, such as 24h; as the contract "
            "says if not given."
        ),
    ] = None,
    report_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE-OR-TIME",
            help="Predict from the beginning of this file, or from this time (UTC), on. If not "
            "given: the second file, or after the first third of the only one.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="The recipe to read by; found by the files' names if not given."),
    ] = None,
    json: JsonFlag = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write a picture, such as out.png.")
    ] = None,
) -> None:
    """Live through the files again: train, judge, promote and predict as production does."""
    # Here, since scikit-learn and pandas take seconds that no other command should wait for.
    from vigie.modelling.learned import find_model

    started = monotonic()
    target = find_model(model)[2].target
    result = run(
        model, files, cadence=cadence, delay=label_delay, report_from=report_from, recipe=recipe
    )
    seconds = monotonic() - started
    if plot is not None:
        unit = find_model(model)[1].fields[target].unit or "no unit"
        from vigie.modelling.plot import plot as draw

        draw(result, f"{model}: {', '.join(path.name for path in files)}", unit, plot)
    if json:
        print_json(result.as_json(seconds))
    else:
        _show(result, seconds)


def run(
    name: str,
    files: Sequence[Path],
    *,
    cadence: Literal["monthly", "weekly", "daily", "drift"] | None = None,
    delay: str | None = None,
    report_from: str | None = None,
    recipe: str | None = None,
) -> Report:
    """The backtest of a model over files; what is None is as the contract says.

    Raises:
        ModelError: There is no such model, or too little to train on.
        RecipeError: A file cannot be read.
        SettingsError: The delay is none.
    """
    import numpy as np

    from vigie.modelling.backtest import run_backtest
    from vigie.modelling.learned import find_model
    from vigie.modelling.report import report
    from vigie.replay.history import read_history

    model, feed, block = find_model(name)
    history = read_history(feed, files, recipe=recipe)
    late = np.timedelta64(_delay(delay) if delay else block.label_delay).astype("timedelta64[ms]")
    data = model.dataset(history.readings, block.target, late)
    begins = list(history.begins.values())
    if report_from is not None:
        begin = history.begin(report_from)
    elif len(begins) > 1:
        begin = begins[1]
    else:
        times = history.readings.times
        begin = times[0] + (times[-1] - times[0]) // 3
    days = len(np.unique(data.made[data.made >= begin].astype("datetime64[D]")))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bar = progress.add_task("days", total=days)
        tested = run_backtest(
            model,
            data,
            begin=begin,
            cadence=cadence or block.cadence,
            delay=late,
            on_day=lambda: progress.advance(bar),
        )
    return report(
        model,
        data,
        tested,
        static_until=min([begin, *begins[1:2]]),
        months=history.months,
        files=history.files,
    )


def _delay(text: str) -> timedelta:
    """A duration as contracts write it, or shorter: 24h, 30min, 1d."""
    match = re.fullmatch(r"(\d+)\s*(\w+)", text.strip())
    words = f"{match[1]} {_UNITS.get(match[2], match[2])}" if match else text
    try:
        return parse_duration(words)
    except PydanticCustomError as error:
        raise SettingsError(
            f"--label-delay: found {text!r}, expected {error.message()}; or shorter, as in 24h"
        ) from error


def _show(result: Report, seconds: float) -> None:
    baselines = [name for name in result.overall.others if name != "static"]
    columns = ["", "rows", "R²", "MAE", "RMSE", "bias", "static R²", "static MAE"]
    columns += [f"{name}: MAE" for name in baselines]
    parts = list(result.months)
    if len(result.files) > 1:
        parts += result.files
    rows = [_row(part, baselines) for part in [*parts, result.overall]]
    print_table(columns, rows)
    out.print(
        f"{result.fits} fits, {result.promotions} promotions, {seconds:.0f} s", highlight=False
    )


def _row(part: Part, baselines: Sequence[str]) -> list[str | int | None]:
    own, static = part.model, part.others["static"]
    figures = [own.r2, own.mae, own.rmse, own.bias, static.r2, static.mae]
    figures += [part.others[name].mae for name in baselines]
    return [part.name, part.rows, *(None if one is None else f"{one:.3f}" for one in figures)]
