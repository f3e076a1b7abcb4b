"""`vigie feed`: begin a feed, and see what follows from its contract."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, print_json, print_table
from vigie.contract.loader import load_feeds
from vigie.contract.new_feed import new_contract

app = typer.Typer(help="Begin a feed, and list the feeds there are.", no_args_is_help=True)


@app.command()
@clear_errors
def new(name: Annotated[str, typer.Argument(help="Lower-case letters, digits and _.")]) -> None:
    """Print a commented contract: `vigie feed new pump > include/feeds/pump.yaml`."""
    sys.stdout.write(new_contract(name))


@app.command("list")
@clear_errors
def list_feeds(json: JsonFlag = False) -> None:
    """List the feeds with the topic, DAG and views that follow from their contracts."""
    feeds = [
        {
            "feed": feed.name,
            "title": feed.title,
            "topic": feed.topic,
            "dag": f"stream_{feed.name}",
            "views": f"report.{feed.name}_*",
        }
        for feed in load_feeds().values()
    ]
    if json:
        print_json(feeds)
    else:
        columns = ("feed", "title", "topic", "dag", "views")
        print_table(columns, [[feed[column] for column in columns] for feed in feeds])
