"""`vigie model error`: how good the learned models are of late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json, print_table
from vigie.contract.loader import load_feeds
from vigie.errors import ModelError

if TYPE_CHECKING:
    from vigie.monitoring.record import Check, Day

_COLUMNS = (
    *("event_date", "version", "predictions", "mae", "rmse", "bias"),
    *("rolling_mae", "rolling_rmse", "rolling_bias"),
)


@clear_errors
def error(
    name: Annotated[
        str | None, typer.Argument(help="Name of the model; all by default.", metavar="[NAME]")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="The newest days with known labels.")] = 7,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the errors of these days too, such as error.png.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show the newest errors by day of event time, drift of inputs, and the last look."""
    from vigie.monitoring.record import newest_check, newest_days, newest_inputs
    from vigie.warehouse.engines import get_engine

    models = [feed.model.name for feed in load_feeds().values() if feed.model]
    if name is not None and name not in models:
        raise ModelError(f"model {name!r}: no contract names it; there are: {', '.join(models)}")
    if plot is not None and name is None:
        raise ModelError("--plot draws one model: give its name")
    found = []
    for model in [name] if name else models:
        with get_engine("reader").connect() as connection:
            check = newest_check(connection, model)
            errors = newest_days(connection, model, limit=days)
            found.append((model, check, errors, newest_inputs(connection, model)))
    if plot is not None:
        _draw(found[0], plot)
    if json:
        print_json({"models": [_as_json(*one) for one in found]})
        return
    for model, check, errors, inputs in found:
        _show(model, check, errors)
        if inputs:
            apart = ", ".join(f"{field} {distance:.2f}" for field, distance in inputs.items())
            out.print(f"inputs apart from training (0 to 1): {apart}", highlight=False)


def _draw(found: tuple[str, Check | None, Sequence[Day], Any], out_file: Path) -> None:
    from vigie.modelling.learned import find_model
    from vigie.monitoring.picture import draw_errors

    name, check, days, _ = found
    _, feed, block = find_model(name)
    draw_errors(days, check, feed.fields[block.target].unit, out_file)


def _as_json(model: str, check: Check | None, errors: Any, inputs: Any) -> dict[str, Any]:
    return {
        "model": model,
        "check": asdict(check) if check else None,
        "days": [asdict(day) for day in errors],
        "inputs": inputs,
    }


def _show(model: str, check: Check | None, errors: Sequence[Day]) -> None:
    rows = [[_cell(getattr(day, column)) for column in _COLUMNS] for day in errors]
    if rows:
        print_table(_COLUMNS, rows, title=model)
    else:
        out.print(f"{model}: no label of a prediction is known yet", highlight=False)
    if check is None:
        out.print(f"{model}: nobody has looked yet; `monitor_models` does", highlight=False)
        return
    error = "unknown" if check.error is None else f"{check.error:.4g} of {check.labels} labels"
    out.print(
        f"{model} at {check.event_time:%Y-%m-%d %H:%M} (event time): error of three days {error}, "
        f"drift above {check.drift_above:g}; {check.outcome}: {check.reason}",
        highlight=False,
        markup=False,
    )


def _cell(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value
