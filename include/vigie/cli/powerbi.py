"""`vigie powerbi`: keep the Power BI project as the contracts say."""

from __future__ import annotations

import typer

from vigie.cli.output import clear_errors, out
from vigie.contract.loader import load_feeds
from vigie.powerbi.project import due, write
from vigie.settings import get_settings

app = typer.Typer(help="Keep the Power BI project as the contracts say.", no_args_is_help=True)


@app.command()
@clear_errors
def plan() -> None:
    """Name the files that `generate` would change; exit 1 if there are any."""
    changes = due(list(load_feeds().values()), get_settings().powerbi)
    for path, text in changes.items():
        out.print(f"{'due' if text else 'goes'}  {path}", highlight=False, soft_wrap=True)
    if changes:
        raise typer.Exit(1)
    out.print("contracts and Power BI project agree")


@app.command()
@clear_errors
def generate() -> None:
    """Write tables, measures, relationships and roles from the contracts, pages from pages.yaml."""
    folder = get_settings().powerbi
    changes = due(list(load_feeds().values()), folder)
    write(changes, folder)
    for path, text in changes.items():
        out.print(f"{'wrote' if text else 'removed'}  {path}", highlight=False, soft_wrap=True)
    if not changes:
        out.print("contracts and Power BI project agree; nothing to write")
