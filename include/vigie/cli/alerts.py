"""`vigie alerts`: alert episodes, open and past."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import Connection, column, select, table

from vigie.cli.output import JsonFlag, clear_errors, print_json, print_table
from vigie.contract.loader import get_feed, load_feeds
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="Show alert episodes.", no_args_is_help=True)
_COLUMNS = ("feed", "sensor", "rule", "severity", "raised", "cleared", "peak", "readings")


@app.callback()
def main() -> None:
    """Show alert episodes."""


@app.command("list")
@clear_errors
def list_episodes(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    still_open: Annotated[bool, typer.Option("--open", help="Only those not cleared.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show episodes of each sensor and rule: raised, cleared, peak; newest first."""
    feeds = [get_feed(feed).name] if feed else list(load_feeds())
    with get_engine("reader").connect() as connection:
        found = [row for name in feeds for row in _read(connection, name, still_open, limit)]
    rows = sorted(found, key=lambda row: row["raised"], reverse=True)[:limit]
    if json:
        print_json(rows)
    else:
        print_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])


def _read(connection: Connection, feed: str, still_open: bool, limit: int) -> list[dict[str, Any]]:
    view = table(f"{feed}_episode", *map(column, (*_COLUMNS[1:], "is_late")), schema="report")
    query = select(view).order_by(view.c.raised.desc()).limit(limit)
    if still_open:
        query = query.where(view.c.cleared.is_(None))
    rows = connection.execute(query).mappings()
    return [{"feed": feed, **row} for row in rows]
