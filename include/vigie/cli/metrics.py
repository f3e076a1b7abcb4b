"""`vigie metrics`: keep dashboards and their documentation as code, contracts and rules say."""

from __future__ import annotations

import typer

from vigie.cli.output import clear_errors, out
from vigie.contract.loader import load_feeds
from vigie.settings import HOME

app = typer.Typer(
    help="Keep Grafana's dashboards and the pages on metrics and alerts up to date.",
    no_args_is_help=True,
)


@app.command()
@clear_errors
def plan() -> None:
    """Name the files that `generate` would change; exit 1 if there are any."""
    from vigie.metrics.project import due

    changes = due(list(load_feeds().values()), HOME)
    for path in changes:
        out.print(f"due  {path}", highlight=False, soft_wrap=True)
    if changes:
        raise typer.Exit(1)
    out.print("dashboards and pages are up to date")


@app.command()
@clear_errors
def generate() -> None:
    """Write Grafana's dashboards, docs/metrics.md and docs/alerts.md."""
    from vigie.metrics.project import due, write

    changes = due(list(load_feeds().values()), HOME)
    write(changes, HOME)
    for path in changes:
        out.print(f"wrote  {path}", highlight=False, soft_wrap=True)
    if not changes:
        out.print("dashboards and pages are up to date; nothing to write")
