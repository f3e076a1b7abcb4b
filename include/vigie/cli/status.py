"""`vigie status`: what runs, and what every stream is doing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from vigie.cli.output import JsonFlag, clear_errors, err, print_json, print_table
from vigie.contract.loader import feed_titles
from vigie.supervision.states import State, advice
from vigie.supervision.status import StreamState, stream_states

_NEEDS_NOBODY = (State.RUNNING, State.STARTING, State.STOPPING, State.STOPPED)


@clear_errors
def status(json: JsonFlag = False) -> None:
    """Show the services of the local stack and the state of every stream."""
    from vigie.local.disk import disk
    from vigie.local.status import services

    found, streams, used = services(), stream_states(feed_titles()), disk()
    if json:
        listed = [asdict(service) for service in found]
        told = {"services": listed, "streams": [stream.as_json() for stream in streams]}
        print_json(told | {"disk": asdict(used)})
        return
    rows = [(s.name, s.address, "healthy" if s.healthy else "not healthy") for s in found]
    print_table(("service", "address", "health"), rows)
    columns = ("feed", "desired", "state", "watched", "lag", "last commit", "launch", "phase")
    print_table(columns, [_row(stream) for stream in streams])
    parts = [(part.part, f"{part.bytes / 1e6:,.0f} MB") for part in used.parts]
    print_table(("part", "disk"), [*parts, ("free", f"{used.free / 1e9:,.1f} GB")])
    for stream in streams:
        _explain(stream)
    if used.free < used.floor:
        floor = f"{used.floor / 1e9:.1f} GB (VIGIE_DISK_FLOOR)"
        err.print(f"disk: below {floor} free streams wait; make room, they go on by themselves")


def _row(stream: StreamState) -> tuple[object, ...]:
    watched = "yes" if stream.supervised else "no"
    commit = _clock(stream.last_commit)
    lag = None if stream.lag_messages is None else stream.lag_messages
    seen = (stream.feed, stream.desired, stream.state, watched, lag, commit)
    return (*seen, stream.launch, stream.phase)


def _explain(stream: StreamState) -> None:
    lines = [f"gap: {gap}" for gap in stream.gaps]
    if stream.model is not None:
        lines.append(f"model: {stream.model}")
    if stream.contract_fault is not None:
        lines.append(f"it cannot be launched: {stream.contract_fault}")
    if stream.error is not None:
        failed = stream.error
        lines.append(f"launch {failed.launch}: {failed.error_class}: {failed.message}")
    if stream.desired == "running" and not stream.supervised and stream.state is not State.UNKNOWN:
        since = f"since {_clock(stream.watched_at)} UTC" if stream.watched_at else "yet"
        lines.append(f"nobody watches it {since}; unpause the DAG stream_{stream.feed} in Airflow")
    if stream.contract_differs:
        lines.append(
            "its driver runs on an older contract; `vigie warehouse plan` and `apply` if tables "
            f"change, then `vigie stream restart {stream.feed}`"
        )
    if stream.state not in _NEEDS_NOBODY:
        lines.append(advice(stream.state, stream.feed))
    for line in lines:
        err.print(f"{stream.feed}: {line}", highlight=False, markup=False)


def _clock(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%m-%d %H:%M:%S}"
