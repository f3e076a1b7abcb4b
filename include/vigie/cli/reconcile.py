"""`vigie reconcile`: is every offset accounted for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed, load_feeds
from vigie.reconciliation.account import Reconciliation
from vigie.reconciliation.reconcile import reconcile as reconcile_feed
from vigie.reconciliation.record import Run, recent_runs
from vigie.warehouse.engines import get_engine

_COLUMNS = (
    *("partition", "read", "stored", "copies", "conflicts", "quarantined", "control"),
    *("gaps", "overlaps"),
)


@clear_errors
def reconcile(
    feeds: Annotated[list[str] | None, typer.Argument(help="All feeds by default.")] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="As the hourly run does: count readings of changed days only."
        ),
    ] = False,
    history: Annotated[
        int, typer.Option(min=0, metavar="N", help="Show the last N runs instead of a new one.")
    ] = 0,
    json: JsonFlag = False,
) -> None:
    """Account for every offset: topic, ledger, rows, documents, lake. Exit code 1 if any is not."""
    chosen = [get_feed(name) for name in feeds] if feeds else list(load_feeds().values())
    if history:
        _show_history(chosen, history, json=json)
        return
    accounts = [reconcile_feed(feed, get_engine(), full=not quick) for feed in chosen]
    if json:
        print_json({"feeds": [asdict(account) for account in accounts]})
    else:
        for account in accounts:
            rows = [[asdict(p)[c] for c in _COLUMNS] for p in account.partitions]
            lag = "unknown" if account.lag_messages is None else account.lag_messages
            print_table(_COLUMNS, rows, title=f"{account.feed} (lag {lag}{_changes(account)})")
            if account.skipped:
                err.print(f"{account.feed}: {account.skipped}", highlight=False, markup=False)
            for fault in account.unaccounted:
                err.print(f"[bold red]unaccounted[/] {account.feed}: {fault}", highlight=False)
        if not any(account.unaccounted for account in accounts):
            out.print("every offset is accounted for")
    if any(account.unaccounted for account in accounts):
        raise typer.Exit(1)


def _show_history(feeds: Sequence[Feed], limit: int, *, json: bool) -> None:
    with get_engine().connect() as connection:
        runs = [run for f in feeds for run in recent_runs(connection, f.name, limit=limit)]
    if json:
        print_json({"runs": [asdict(run) for run in runs]})
        return
    columns = list(Run.__dataclass_fields__)
    shown = ((getattr(run, column) for column in columns) for run in runs)
    print_table(columns, [[_short(value) for value in row] for row in shown])


def _changes(account: Reconciliation) -> str:
    """What changed since the batches were counted, where anything did."""
    parts = (
        f", {account.restated:+d} readings by restatement" if account.restated else "",
        f", {account.released} messages released from quarantine" if account.released else "",
        f", {account.expired} readings expired" if account.expired else "",
        f", {account.lake_expired} records expired in the lake" if account.lake_expired else "",
    )
    return "".join(parts)


def _short(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M:%S}"
    return f"{value:.1f}" if isinstance(value, float) else value
