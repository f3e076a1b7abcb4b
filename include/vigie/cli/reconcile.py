"""`vigie reconcile`: is every offset accounted for?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.contract.loader import get_feed, load_feeds
from vigie.reconciliation.reconcile import reconcile as reconcile_feed
from vigie.warehouse.engines import get_engine

_COLUMNS = (
    *("partition", "read", "stored", "copies", "conflicts", "quarantined", "control"),
    *("gaps", "overlaps"),
)


@clear_errors
def reconcile(
    feeds: Annotated[list[str] | None, typer.Argument(help="All feeds by default.")] = None,
    json: JsonFlag = False,
) -> None:
    """Account for every offset: topic, ledger, rows. Exit code 1 if anything is unaccounted for."""
    chosen = [get_feed(name) for name in feeds] if feeds else list(load_feeds().values())
    accounts = [reconcile_feed(feed, get_engine()) for feed in chosen]
    if json:
        print_json({"feeds": [asdict(account) for account in accounts]})
    else:
        for account in accounts:
            rows = [[asdict(p)[c] for c in _COLUMNS] for p in account.partitions]
            lag = "unknown" if account.lag_messages is None else account.lag_messages
            print_table(_COLUMNS, rows, title=f"{account.feed} (lag {lag})")
            for fault in account.unaccounted:
                err.print(f"[bold red]unaccounted[/] {account.feed}: {fault}", highlight=False)
        if not any(account.unaccounted for account in accounts):
            out.print("every offset is accounted for")
    if any(account.unaccounted for account in accounts):
        raise typer.Exit(1)
