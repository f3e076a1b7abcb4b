"""`vigie quarantine`: messages that failed a check."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import func, select

from vigie.cli.moment import HELP, moment
from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.cli.quarantine_replay import replay
from vigie.cli.raw_message import one_line, printable, readable, whole
from vigie.contract.loader import get_feed
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

app = typer.Typer(
    help="Browse messages that failed a check, and replay them.", no_args_is_help=True
)
app.command()(replay)
_SHOWN = 120
_t = core.quarantine.c
_COLUMNS = (
    *(_t.reason, _t.detail, _t.sensor, _t.event_time, _t.append_time, _t.quarantined_at),
    *(_t.topic_id, _t.kafka_partition, _t.kafka_offset, _t.raw, _t.raw_length, _t.raw_sha256),
    _t.released_at,
)

FeedName = Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")]


@app.callback()
def main() -> None:
    """Browse messages that failed a check."""


@app.command("list")
@clear_errors
def list_messages(
    feed: FeedName,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Only this sensor.")] = None,
    since: Annotated[str | None, typer.Option(help=HELP)] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show quarantined messages with reason, detail and the message itself, newest first."""
    query = select(*_COLUMNS).where(_t.feed == get_feed(feed).name)
    if reason:
        query = query.where(_t.reason == reason)
    if sensor:
        query = query.where(_t.sensor == sensor)
    if since:
        query = query.where(_t.quarantined_at >= moment(since, "--since"))
    order = (_t.quarantined_at.desc(), _t.kafka_partition, _t.kafka_offset.desc())
    with get_engine("reader").connect() as connection:
        rows = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
    if json:
        print_json([{**row, "raw": readable(row["raw"])} for row in rows])
        return
    columns = ("reason", "detail", "sensor", "kafka_partition", "kafka_offset")
    print_table(
        (*columns, "message"),
        [
            [*(_cell(row[c]) for c in columns), one_line(row["raw"], row["raw_length"], _SHOWN)]
            for row in rows
        ],
    )


@app.command()
@clear_errors
def show(
    feed: FeedName,
    partition: Annotated[int, typer.Argument(help="Kafka partition.", metavar="PARTITION")],
    offset: Annotated[int, typer.Argument(help="Kafka offset.", metavar="OFFSET")],
    json: JsonFlag = False,
) -> None:
    """Show one message whole, up to the 64 KiB that are kept; exit code 1 if there is none."""
    query = select(*_COLUMNS).where(
        _t.feed == get_feed(feed).name,
        _t.kafka_partition == partition,
        _t.kafka_offset == offset,
    )
    with get_engine("reader").connect() as connection:
        # One per topic id: a topic made anew has the same offsets again.
        rows = connection.execute(query.order_by(_t.quarantined_at.desc())).mappings().all()
    if not rows:
        err.print(f"{feed}: nothing quarantined at partition {partition}, offset {offset}")
        raise typer.Exit(1)
    if json:
        print_json([{**row, "raw": readable(row["raw"])} for row in rows])
        return
    for row in rows:
        facts = [[name, _cell(value)] for name, value in row.items() if name != "raw"]
        print_table(("what", "value"), facts)
        out.print(whole(row["raw"]), markup=False, highlight=False, soft_wrap=True)
        if row["raw"] is not None and len(row["raw"]) < (row["raw_length"] or 0):
            kept, total = len(row["raw"]), row["raw_length"]
            err.print(f"only the first {kept:,} of {total:,} bytes are kept", highlight=False)


@app.command()
@clear_errors
def summary(
    feed: Annotated[str | None, typer.Argument(help="All feeds by default.")] = None,
    json: JsonFlag = False,
) -> None:
    """Count quarantined messages per feed and reason."""
    query = (
        select(
            *(_t.feed, _t.reason, func.count().label("messages")),
            func.count(_t.released_at).label("released"),
            func.count(_t.sensor.distinct()).label("sensors"),
            func.min(_t.quarantined_at).label("first_seen"),
            func.max(_t.quarantined_at).label("last_seen"),
        )
        .group_by(_t.feed, _t.reason)
        .order_by(_t.feed, func.count().desc())
    )
    if feed:
        query = query.where(_t.feed == get_feed(feed).name)
    with get_engine("reader").connect() as connection:
        result = connection.execute(query)
        columns, rows = list(result.keys()), result.all()
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        print_table(columns, [[_cell(cell) for cell in row] for row in rows])
    else:
        out.print("nothing is in quarantine")


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return printable(value) if isinstance(value, str) else value
