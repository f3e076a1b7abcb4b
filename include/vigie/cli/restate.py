"""`vigie restate` and `vigie restatement`: recompute a past day, and what was recomputed."""

from __future__ import annotations

import getpass
import subprocess
import sys
from datetime import datetime
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json, print_table
from vigie.contract.loader import get_feed
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="See which days were restated.", no_args_is_help=True)
_COLUMNS = (
    *("restated_at", "feed", "event_date", "source", "person", "reason", "prefer", "records"),
    *("came", "went", "changed", "quarantined", "released", "seconds"),
)


@app.callback()
def main() -> None:
    """See which days were restated."""


@clear_errors
def restate(
    feed: Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")],
    day: Annotated[
        datetime, typer.Argument(help="The day, UTC.", metavar="DAY", formats=["%Y-%m-%d"])
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the result.")] = "",
    prefer: Annotated[
        str, typer.Option(help="Which record of a sensor and time wins: first, or last.")
    ] = "first",
) -> None:
    """Recompute a day from the lake, while the stream runs on; exit code 1 if it is refused."""
    if prefer not in ("first", "last"):
        message = f"{prefer!r} is neither first nor last"
        raise typer.BadParameter(message, param_hint="--prefer")
    app_file = str(get_settings().spark_apps / "restate_day.py")
    told = [f"--person={getpass.getuser()}", f"--reason={reason}", f"--prefer={prefer}"]
    command = [sys.executable, app_file, get_feed(feed).name, f"{day:%Y-%m-%d}", *told]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command("list")
@clear_errors
def list_restatements(
    feed: Annotated[str | None, typer.Argument(help="All feeds by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show who restated which day, why, and what it changed, newest first."""
    # Arrow takes a moment to load, which only this command should wait for.
    from vigie.restatement.record import recent

    rows = recent(get_engine("reader"), get_feed(feed).name if feed else None, limit)
    if json:
        print_json({"restatements": rows})
    elif rows:
        print_table(_COLUMNS, [[_cell(row[name]) for name in _COLUMNS] for row in rows])
    else:
        out.print("nothing was restated")


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return round(value, 1) if isinstance(value, float) else value
