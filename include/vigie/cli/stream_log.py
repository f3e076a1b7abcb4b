"""`vigie stream log` and `vigie stream events`: what a driver left, what was done to a stream."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json, print_table
from vigie.contract.loader import get_feed
from vigie.supervision.desire import newest_launch
from vigie.supervision.events import recent_events
from vigie.supervision.failure import Failure, last_failure
from vigie.supervision.launches import submission_of
from vigie.supervision.output import OUTPUTS, output_tail, worker_folder
from vigie.warehouse.engines import get_engine

FeedName = Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")]


@clear_errors
def log(
    feed: FeedName,
    launch: Annotated[int | None, typer.Option(help="Launch number; the newest if none.")] = None,
    lines: Annotated[int, typer.Option(help="Last lines of each output.")] = 200,
    json: JsonFlag = False,
) -> None:
    """Print what the driver of a launch printed, and the error it left."""
    get_feed(feed)
    engine = get_engine()
    number = launch or newest_launch(engine, feed)
    submission = submission_of(engine, feed, number) if number else None
    with engine.connect() as connection:
        failure = last_failure(connection, feed)
    if json:
        print_json(_log_as_json(number, submission, failure, lines))
        return
    if submission is None:
        out.print(f"stream {feed}: launch {number or 1} was never submitted")
    else:
        _print_output(worker_folder(submission), submission, lines)
    if failure is not None:
        title = f"error of launch {failure.launch}: {failure.error_class}: {failure.message}"
        out.print(f"{title}\n{failure.tail}", highlight=False, markup=False)


@clear_errors
def events(
    feed: FeedName,
    last: Annotated[int, typer.Option(min=1, help="How many, the newest last.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Show what was done to the stream, when and by whom; `vigie` is the supervisor itself."""
    get_feed(feed)
    with get_engine().connect() as connection:
        found = recent_events(connection, feed, limit=last)
    if json:
        print_json({"events": [asdict(event) for event in found]})
        return
    rows = [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.kind, e.person, e.detail) for e in found]
    print_table(("at (UTC)", "what", "who", "detail"), rows)


def _log_as_json(
    number: int | None, submission: str | None, failure: Failure | None, lines: int
) -> dict[str, object]:
    told = {name: output_tail(submission, name, lines=lines) for name in OUTPUTS if submission}
    error = None if failure is None else asdict(failure)
    return {"launch": number, "submission": submission, "output": told, "error": error}


def _print_output(folder: Path, submission: str, lines: int) -> None:
    if not folder.is_dir():
        out.print(f"{submission}: no folder {folder} here; its worker is elsewhere, or cleaned up")
    for name in OUTPUTS:
        text = output_tail(submission, name, lines=lines)
        if text:
            out.print(f"{submission} {name}:\n{text}", highlight=False, markup=False)
