"""`vigie warehouse`: plan, apply and verify migrations."""

from __future__ import annotations

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json
from vigie.contract.loader import load_feeds
from vigie.settings import get_settings
from vigie.warehouse.migrate import apply as apply_files
from vigie.warehouse.plan import make_plan, write_plan
from vigie.warehouse.verify import drift

app = typer.Typer(help="Plan, apply and verify the warehouse's migrations.", no_args_is_help=True)


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
