"""`vigie compact` and `vigie compaction`: keep months of facts dense, and what was done."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

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
            print_json({"dry_run": dry_run, "compacted": [asdict(one) for one in done]})
        elif done:
            print_table(_COLUMNS, [_row(one) for one in done])
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


def _row(one: Compacted) -> list[object]:
    densities = [
        {"rows": d.rows, "groups": d.groups, "dead": d.dead, "bytes": d.bytes}
        for d in (one.before, one.after)
    ]
    return _cells(
        *(one.table_name, f"{one.month:%Y-%m}", ", ".join(one.steps)),
        *(*densities, one.query_ms, one.seconds),
    )


def _listed(row: dict[str, object]) -> list[object]:
    at, month = row["compacted_at"], row["month"]
    before, after = (
        {name: row[f"{name}_{when}"] for name in ("rows", "groups", "dead", "bytes")}
        for when in ("before", "after")
    )
    query_ms = (row["query_ms_before"], row["query_ms_after"])
    cells = _cells(
        *(row["table_name"], f"{month:%Y-%m}", row["steps"]),
        *(before, after, query_ms, row["seconds"]),
    )
    return [f"{at:%Y-%m-%d %H:%M:%S}", row["feed"], row["person"], *cells]


def _cells(
    table: object,
    month: str,
    steps: object,
    before: dict[str, int],
    after: dict[str, int],
    query_ms: tuple[float | None, float | None],
    seconds: float,
) -> list[object]:
    both = (before, after)
    return [
        table,
        month,
        steps,
        _change(*(f"{d['rows']}" for d in both)),
        _change(*(_ratio(d["rows"], d["groups"]) for d in both)),
        _change(*(_ratio(100 * d["dead"], d["rows"] + d["dead"], " %") for d in both)),
        _change(*(_ratio(d["bytes"], d["rows"]) for d in both)),
        _change(*("-" if ms is None else f"{ms:.1f}" for ms in query_ms)),
        f"{seconds:.1f}",
    ]


def _ratio(part: int, whole: int, unit: str = "") -> str:
    return f"{part / whole:.1f}{unit}" if whole else "-"


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
