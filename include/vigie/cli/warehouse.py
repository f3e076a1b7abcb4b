"""`vigie warehouse`: plan, apply and verify migrations; compute roll-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json
from vigie.contract.loader import get_feed, load_feeds
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.migrate import apply as apply_files
from vigie.warehouse.plan import make_plan, write_plan
from vigie.warehouse.verify import drift

app = typer.Typer(help="Plan, apply and verify migrations; compute roll-ups.", no_args_is_help=True)


@app.command()
@clear_errors
def plan(check: bool = typer.Option(False, help="Write nothing; exit 1 if due.")) -> None:
    """Write the next migration files from the contracts; needs no database."""
    folder = get_settings().ddl
    planned = make_plan(load_feeds().values(), folder)
    if check:
        for name in planned.files:
            out.print(f"due  {name}", highlight=False)
        raise typer.Exit(1 if planned.files else 0)
    for path in write_plan(planned, folder):
        out.print(f"wrote  {path}", highlight=False)
    if not planned.files:
        out.print("contracts and migration files agree; nothing to write")


@app.command()
@clear_errors
def apply() -> None:
    """Run every migration file the database lacks."""
    names = apply_files()
    out.print("\n".join(f"applied  {n}" for n in names) or "nothing to apply", highlight=False)


@app.command()
@clear_errors
def verify(json: JsonFlag = False) -> None:
    """Compare the database with contracts and files; exit 1 on any difference."""
    differences = drift(load_feeds().values())
    if json:
        print_json(differences)
    else:
        out.print("\n".join(differences) or "contracts, files and database agree", highlight=False)
    if differences:
        raise typer.Exit(1)


@app.command("roll-up")
@clear_errors
def roll_up(
    feeds: Annotated[list[str] | None, typer.Argument(help="All feeds by default.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", help="First day, UTC.", formats=["%Y-%m-%d"])
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", help="Last day, UTC.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Compute the hourly and daily roll-ups that changed, or all of the days given."""
    from vigie.warehouse import roll_ups

    if (first is None) != (last is None):
        raise typer.BadParameter("--from and --to are given together or not at all")
    for feed in [get_feed(name) for name in feeds] if feeds else load_feeds().values():
        if first and last:
            end = last.replace(tzinfo=UTC) + timedelta(days=1)
            done = roll_ups.roll_up(feed, first.replace(tzinfo=UTC), end)
        else:
            done = roll_ups.roll_up_changed(feed)
        out.print(f"{feed.name}: {done.hours} hours, {done.days} days", highlight=False)


@app.command()
@clear_errors
def restored(
    made_at: Annotated[
        datetime, typer.Argument(help="When the backup was made, UTC, as 2026-11-26T04:00:00.")
    ],
) -> None:
    """After a restore by the database's own tools: let launches go on after all there may be."""
    from vigie.supervision.restored import leave_out_launches

    left_out = leave_out_launches(get_engine("owner"), made_at.replace(tzinfo=UTC))
    for feed, launch in left_out.items():
        out.print(f"{feed}: launches go on after {launch}", highlight=False)
