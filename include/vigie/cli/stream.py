"""`vigie stream`: start, stop, restart and resume a stream; read what its driver printed."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from vigie.cli.output import clear_errors, err, out
from vigie.contract.loader import get_feed
from vigie.supervision.desire import (
    Desired,
    accept_gaps,
    newest_launch,
    open_gaps,
    request_restart,
    set_desired,
)
from vigie.supervision.failure import last_failure
from vigie.supervision.launches import submission_of
from vigie.supervision.output import output_tail, worker_folder
from vigie.supervision.states import State
from vigie.supervision.status import StreamState, stream_states
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="Start, stop and restart streams.", no_args_is_help=True)

FeedName = Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")]


@app.command()
@clear_errors
def start(feed: FeedName) -> None:
    """Set the stream to running; its watch in Airflow launches it within seconds."""
    _switch(feed, "running")


@app.command()
@clear_errors
def stop(feed: FeedName) -> None:
    """Set the stream to stopped: the batch in hand commits, then the driver ends."""
    _switch(feed, "stopped")


@app.command()
@clear_errors
def restart(feed: FeedName) -> None:
    """End the driver after the batch in hand and launch it anew; skips a pause after failures."""
    state = _state(feed)
    if state.launch is None or state.desired != "running":
        err.print(f"stream {feed} is {state.state}; start it with `vigie stream start {feed}`")
        raise typer.Exit(1)
    if request_restart(get_engine(), feed, state.launch, person=getpass.getuser()):
        out.print(f"restart of launch {state.launch} of stream {feed} requested")
    else:
        out.print(f"restart of launch {state.launch} of stream {feed} was requested already")
    _warn_unsupervised(state)


@app.command()
@clear_errors
def resume(
    feed: FeedName,
    accept: Annotated[
        bool, typer.Option("--accept-gap", help="Accept every gap that is listed.")
    ] = False,
) -> None:
    """List the gaps that block the stream and, with --accept-gap, go on behind them."""
    get_feed(feed)
    with get_engine().connect() as connection:
        gaps = open_gaps(connection, feed)
    if not gaps:
        out.print(f"stream {feed} has no gap to accept")
        return
    for gap in gaps:
        out.print(f"{'accepted' if accept else 'gap'}: {gap}", highlight=False, markup=False)
    if not accept:
        err.print(f"readings in these ranges are lost; `vigie stream resume {feed} --accept-gap`")
        raise typer.Exit(1)
    accept_gaps(get_engine(), feed, gaps, person=getpass.getuser())
    _warn_unsupervised(_state(feed))


@app.command()
@clear_errors
def log(
    feed: FeedName,
    launch: Annotated[int | None, typer.Option(help="Launch number; the newest if none.")] = None,
    lines: Annotated[int, typer.Option(help="Last lines of each output.")] = 200,
) -> None:
    """Print what the driver of a launch printed, and the error it left."""
    get_feed(feed)
    engine = get_engine()
    number = launch or newest_launch(engine, feed)
    submission = submission_of(engine, feed, number) if number else None
    if submission is None:
        out.print(f"stream {feed}: launch {number or 1} was never submitted")
    else:
        _print_output(worker_folder(submission), submission, lines)
    with engine.connect() as connection:
        failure = last_failure(connection, feed)
    if failure is not None:
        title = f"error of launch {failure.launch}: {failure.error_class}: {failure.message}"
        out.print(f"{title}\n{failure.tail}", highlight=False, markup=False)


def _print_output(folder: Path, submission: str, lines: int) -> None:
    if not folder.is_dir():
        out.print(f"{submission}: no folder {folder} here; its worker is elsewhere, or cleaned up")
    for name in ("stdout", "stderr"):
        text = output_tail(submission, name, lines=lines)
        if text:
            out.print(f"{submission} {name}:\n{text}", highlight=False, markup=False)


def _switch(feed: str, desired: Desired) -> None:
    get_feed(feed)
    changed = set_desired(get_engine(), feed, desired, person=getpass.getuser())
    out.print(f"stream {feed} is {'now' if changed else 'already'} set to {desired}")
    if desired == "running":
        _warn_unsupervised(_state(feed))


def _state(feed: str) -> StreamState:
    get_feed(feed)
    return stream_states([feed])[0]


def _warn_unsupervised(state: StreamState) -> None:
    if not state.supervised and state.state is not State.UNKNOWN:
        err.print(f"nobody watches it: unpause the DAG stream_{state.feed} in Airflow")
