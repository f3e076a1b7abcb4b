"""`vigie stream`: start, stop, restart and resume a stream."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from vigie.cli import stream_log
from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json
from vigie.cli.stream_log import FeedName
from vigie.contract.loader import get_feed
from vigie.supervision.desire import (
    Desired,
    accept_gaps,
    open_gaps,
    request_restart,
    set_desired,
)
from vigie.supervision.states import State
from vigie.supervision.status import StreamState, stream_states
from vigie.warehouse.engines import get_engine

app = typer.Typer(help="Start, stop and restart streams.", no_args_is_help=True)


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
    json: JsonFlag = False,
) -> None:
    """List the gaps that block the stream and, with --accept-gap, go on behind them."""
    get_feed(feed)
    with get_engine().connect() as connection:
        gaps = open_gaps(connection, feed)
    if accept:
        accept_gaps(get_engine(), feed, gaps, person=getpass.getuser())
    if json:
        print_json({"gaps": [asdict(gap) for gap in gaps], "accepted": accept})
    elif not gaps:
        out.print(f"stream {feed} has no gap to accept")
    else:
        for gap in gaps:
            out.print(f"{'accepted' if accept else 'gap'}: {gap}", highlight=False, markup=False)
    if gaps and not accept:
        err.print(f"readings in these ranges are lost; `vigie stream resume {feed} --accept-gap`")
        raise typer.Exit(1)
    if gaps:
        _warn_unsupervised(_state(feed))


app.command()(stream_log.log)
app.command()(stream_log.events)


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
