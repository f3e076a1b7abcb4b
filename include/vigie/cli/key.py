"""`vigie key`: who may send readings by HTTP."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, print_json, print_table
from vigie.contract.loader import get_feed
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="Make, list and revoke keys of the HTTP API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key it is, such as `plant-7`.")]


@app.command()
@clear_errors
def create(
    name: Name,
    feed: Annotated[
        list[str] | None, typer.Option(help="A feed it is for, repeatable; all by default.")
    ] = None,
) -> None:
    """Make a key and print it; it is shown this once."""
    from vigie.ingest.keys import create_key

    feeds = [get_feed(one).name for one in feed or []]
    typer.echo(create_key(get_engine("owner"), name, feeds, person=getpass.getuser()))
    err.print("keep it: the warehouse has only its hash", highlight=False)


@app.command("list")
@clear_errors
def list_all(json: JsonFlag = False) -> None:
    """Show the keys, without the keys themselves."""
    from vigie.ingest.keys import list_keys

    keys = list_keys(get_engine("owner"))
    if json:
        print_json([asdict(key) for key in keys])
        return
    columns = ("name", "feeds", "created by", "created at", "revoked at")
    rows = [
        (k.name, ", ".join(k.feeds) or "all", k.created_by, k.created_at, k.revoked_at)
        for k in keys
    ]
    print_table(columns, rows)


@app.command()
@clear_errors
def revoke(name: Name) -> None:
    """Let nobody in with this key any more, within ten seconds."""
    from vigie.ingest.keys import revoke_key

    revoke_key(get_engine("owner"), name)
    typer.echo(f"key {name} is revoked")
