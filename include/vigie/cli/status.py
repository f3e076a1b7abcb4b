"""`vigie status`: what runs, and what every stream is doing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from vigie.cli.output import JsonFlag, clear_errors, err, print_json, print_table
from vigie.contract.loader import load_feeds
from vigie.supervision.states import State, advice
from vigie.supervision.status import StreamState, stream_states

_NEEDS_NOBODY = (State.RUNNING, State.STARTING, State.STOPPING, State.STOPPED)


@clear_errors
def status(json: JsonFlag = False) -> None:
    """Show the services of the local stack and the state of every stream."""
    from vigie.local.status import services

    found, streams = services(), stream_states(load_feeds())
    if json:
        listed = [asdict(service) for service in found]
        print_json({"services": listed, "streams": [stream.as_json() for stream in streams]})
        return
    rows = [(s.name, s.address, "healthy" if s.healthy else "not healthy") for s in found]
    print_table(("service", "address", "health"), rows)
    columns = ("feed", "desired", "state", "watched", "lag", "last commit", "launch", "phase")
    print_table(columns, [_row(stream) for stream in streams])
    for stream in streams:
        _explain(stream)


def _row(stream: StreamState) -> tuple[object, ...]:
    watched = "yes" if stream.supervised else "no"
    commit = _clock(stream.last_commit)
    lag = None if stream.lag_messages is None else stream.lag_messages
    seen = (stream.feed, stream.desired, stream.state, watched, lag, commit)
    return (*seen, stream.launch, stream.phase)


def _explain(stream: StreamState) -> None:
    lines = [f"gap: {gap}" for gap in stream.gaps]
    if stream.error is not None:
        failed = stream.error
        lines.append(f"launch {failed.launch}: {failed.error_class}: {failed.message}")
    if stream.state not in _NEEDS_NOBODY:
        lines.append(advice(stream.state, stream.feed))
    for line in lines:
        err.print(f"{stream.feed}: {line}", highlight=False, markup=False)


def _clock(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%m-%d %H:%M:%S}"
