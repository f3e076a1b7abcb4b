"""`vigie documents`: what the document store knows of each device."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vigie.cli.output import JsonFlag, clear_errors, print_json, print_table
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.errors import SettingsError
from vigie.streaming.document_store import DocumentStore, open_store, wants_documents

app = typer.Typer(help="Read what is kept as documents.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Read what is kept as documents."""


@app.command()
@clear_errors
def latest(
    feed: Annotated[str, typer.Argument(help="Name of the feed.")],
    sensor: Annotated[str | None, typer.Argument(help="Only this one; all by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show the last known state of each device, the newest first."""
    contract = get_feed(feed)
    store = _store(contract)
    wanted = {"_id": sensor} if sensor else {}
    found = store.ask(lambda: list(store.latest.find(wanted).sort("event_time", -1).limit(limit)))
    if json:
        print_json([{k: v for k, v in state.items() if k != "_id"} for state in found])
        return
    columns = ["sensor", "event_time", *contract.fields]
    columns += ["status"] if contract.status else []
    columns += ["latitude", "longitude"] if contract.position else []
    print_table([*columns, "alerts"], [_row(state, columns) for state in found])


def _store(feed: Feed) -> DocumentStore:
    if not wants_documents(feed):
        message = f"feed {feed.name}: its contract asks for no documents (key `sinks`)"
        raise SettingsError(message)
    store = open_store(feed)
    if store is None:
        message = "VIGIE_DOCUMENTS is empty; expected mongodb://host:port/database"
        raise SettingsError(message)
    return store


def _row(state: dict[str, Any], columns: list[str]) -> list[Any]:
    longitude, latitude = state.get("position", {}).get("coordinates", (None, None))
    flat = state | {"latitude": latitude, "longitude": longitude} | state["values"]
    flat["event_time"] = f"{state['event_time']:%Y-%m-%d %H:%M:%S}"
    shown = [_short(flat.get(column)) for column in columns]
    return [*shown, ", ".join(state.get("alerts", ())) or None]


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
