"""`vigie compact` and `vigie compaction`: keep months of facts dense, and what was done."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json, print_table
from vigie.compaction.record import Compacted, recent
from vigie.compaction.run import compact_feed
from vigie.contract.loader import get_feed
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="See which months were compacted or expired.", no_args_is_help=True)
_COLUMNS = (
    *("table", "month", "done", "rows", "per group", "dead", "bytes per row", "query ms"),
    "seconds",
)


@app.callback()
def main() -> None:
    """See which months were compacted or expired."""


@clear_errors
def compact(
    feed: Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")],
    month: Annotated[
        datetime | None,
        typer.Option(help="One month, such as 2026-10; else all closed ones.", formats=["%Y-%m"]),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done; change nothing.")] = False,
    json: JsonFlag = False,
) -> None:
    """Compact the closed months of a feed's fact tables, and expire old ones, while loads go on."""
    only = None if month is None else month.date()
    done: list[Compacted] = []
    try:
        for one in compact_feed(
            get_feed(feed), person=getpass.getuser(), month=only, dry_run=dry_run
        ):
            done.append(one)
    finally:
        # What was done before an error is told, too.
        if json:
            print_json({"dry_run": dry_run, "compacted": [one.as_row() for one in done]})
        elif done:
            print_table(_COLUMNS, [_cells(one.as_row()) for one in done])
            if dry_run:
                out.print("nothing was changed: this is what each month needs first")
    if not done and not json:
        out.print("nothing to do: no closed month changed since it was last compacted")


@app.command("list")
@clear_errors
def list_compactions(
    feed: Annotated[str | None, typer.Argument(help="All feeds by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show which month of which table was compacted or expired, and what it gave, newest first."""
    rows = recent(get_engine("reader"), get_feed(feed).name if feed else None, limit)
    if json:
        print_json({"compactions": rows})
        return
    if not rows:
        out.print("nothing was compacted")
        return
    columns = ("compacted_at", "feed", "person", *_COLUMNS)
    print_table(columns, [_listed(row) for row in rows])


def _listed(row: dict[str, Any]) -> list[Any]:
    return [f"{row['compacted_at']:%Y-%m-%d %H:%M:%S}", row["feed"], row["person"], *_cells(row)]


def _cells(row: dict[str, Any]) -> list[Any]:
    def change(show: Callable[[str], str]) -> str:
        before, after = show("before"), show("after")
        return before if before == after else f"{before} → {after}"

    def dead(when: str) -> str:
        gone = row[f"dead_{when}"]
        return _ratio(100 * gone, row[f"rows_{when}"] + gone, " %")

    return [
        *(row["table_name"], f"{row['month']:%Y-%m}", row["steps"]),
        change(lambda when: f"{row[f'rows_{when}']}"),
        change(lambda when: _ratio(row[f"rows_{when}"], row[f"groups_{when}"])),
        change(dead),
        change(lambda when: _ratio(row[f"bytes_{when}"], row[f"rows_{when}"])),
        change(lambda when: _ratio(row[f"query_ms_{when}"], 1)),
        f"{row['seconds']:.1f}",
    ]


def _ratio(part: float | None, whole: int, unit: str = "") -> str:
    return f"{part / whole:.1f}{unit}" if whole and part is not None else "-"
