"""`vigie quarantine`: messages that failed a check."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import select

from vigie.cli.output import JsonFlag, clear_errors, print_json, print_table
from vigie.contract.loader import get_feed
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="Browse messages that failed a check.", no_args_is_help=True)
_SHOWN = 120


@app.callback()
def main() -> None:
    """Browse messages that failed a check."""


@app.command("list")
@clear_errors
def list_messages(
    feed: Annotated[str, typer.Argument(help="Name of the feed.")],
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Only this sensor.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show quarantined messages with reason, detail and the raw message, newest first."""
    t = core.quarantine.c
    query = select(
        *(t.reason, t.detail, t.sensor, t.event_time, t.append_time, t.kafka_partition),
        *(t.kafka_offset, t.raw, t.raw_length, t.released_at),
    ).where(t.feed == get_feed(feed).name)
    if reason:
        query = query.where(t.reason == reason)
    if sensor:
        query = query.where(t.sensor == sensor)
    order = (t.quarantined_at.desc(), t.kafka_partition, t.kafka_offset.desc())
    with get_engine("reader").connect() as connection:
        found = connection.execute(query.order_by(*order).limit(limit)).mappings()
        rows = [{**row, "raw": _readable(row["raw"])} for row in found]
    if json:
        print_json(rows)
    else:
        columns = ("reason", "detail", "sensor", "kafka_partition", "kafka_offset", "raw")
        print_table(columns, [[_short(row[c]) for c in columns] for row in rows])


def _readable(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", errors="backslashreplace")


def _short(value: Any) -> Any:
    return value[:_SHOWN] if isinstance(value, str) else value
