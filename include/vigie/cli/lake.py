"""`vigie lake`: what the lake holds of each feed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.contract.loader import get_feed, load_feeds

app = typer.Typer(help="Inspect the lake, which keeps every record as it came.")
_COLUMNS = ("partition", "end", "messages", "trailing", "topic_id")
FeedName = Annotated[str, typer.Argument(help="Name of the feed.")]


@app.callback()
def main() -> None:
    """Inspect the lake, which keeps every record as it came."""


@app.command("status")
@clear_errors
def status(
    feed: Annotated[str | None, typer.Argument(help="All feeds by default.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show how far each partition is archived, what trails, files and bytes, and what was lost."""
    # The Delta library takes a moment to load, which only this command should wait for.
    from vigie.lake.status import lake_status

    chosen = [get_feed(feed)] if feed else list(load_feeds().values())
    found = [lake_status(one) for one in chosen]
    if json:
        print_json({"feeds": [asdict(one) for one in found]})
        return
    for one in found:
        last = "never archived" if one.last_archive is None else f"{one.last_archive:%m-%d %H:%M}"
        title = f"{one.feed} ({one.files} files, {one.bytes} bytes, last archive: {last})"
        print_table(_COLUMNS, [[asdict(p)[c] for c in _COLUMNS] for p in one.partitions], title)
        if one.expired:
            out.print(f"{one.expired} records expired; kept are days from {one.kept_from} on")
        for trouble in (*one.lost, *filter(None, (one.warning,))):
            err.print(f"{one.feed}: {trouble}", highlight=False, markup=False)


@app.command("check")
@clear_errors
def check(feed: FeedName, json: JsonFlag = False) -> None:
    """Compare the lake's claims with its files; exit code 1 if records are missing or doubled."""
    from vigie.lake.coverage import coverage

    found = coverage(get_feed(feed))
    if json:
        print_json(asdict(found))
    else:
        columns = ("topic_id", "partition", "begin", "end")
        print_table(columns, [list(asdict(p).values()) for p in found.held], f"{feed}: held")
        if found.expired:
            out.print(f"{found.expired} of these records expired by VIGIE_LAKE_RETENTION")
        for part in found.missing:
            err.print(
                f"missing: partition {part.partition}, offsets {part.begin} to {part.end - 1}"
            )
        for path in found.missing_files:
            err.print(f"missing file: {path}", markup=False)
        if found.doubled:
            err.print(f"{found.doubled} records are stored more than once")
    if not found.is_whole:
        raise typer.Exit(1)
