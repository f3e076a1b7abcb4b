"""What the Streams page is told: plain values for JSON, and what may be done to each stream."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from vigie.contract.loader import get_feed
from vigie.errors import VigieError
from vigie.orchestration.console.look import Sight
from vigie.orchestration.stream_feed import dag_of
from vigie.settings import get_settings
from vigie.supervision.driver import ui_address
from vigie.supervision.states import State, advice, meaning
from vigie.supervision.status import StreamState
from vigie.supervision.traffic import LENGTH, SLICE, Slice
from vigie.supervision.upkeep import Upkeep

_FINE = (State.RUNNING, State.STARTING, State.STOPPING, State.STOPPED)
_HAS_DRIVER = (State.RUNNING, State.WAITING, State.STALLED, State.STOPPING)


def show(
    sight: Sight, *, person: str, readable: Collection[str], editable: Collection[str]
) -> dict[str, Any]:
    """Everything on the page but what a stream's details hold; only feeds that are readable."""
    settings, refreshed = get_settings(), sight.refreshed
    seen = [stream for stream in sight.streams if stream.feed in readable]
    return {
        "at": _moment(sight.at),
        "person": person,
        "away_since": _moment(sight.away_since),
        "away": sight.away,
        "slice": SLICE,
        "length": int(LENGTH.total_seconds()),
        "links": {
            "pages": settings.pages,
            "spark": settings.spark_ui,
            "registry": settings.mlflow,
        },
        "refresh": refreshed
        and {
            "asked_at": _moment(refreshed.asked_at),
            "state": refreshed.state or "going on",
            "why": refreshed.why,
        },
        "streams": [
            _stream(
                stream,
                title=sight.titles[stream.feed],
                traffic=sight.traffic.get(stream.feed, []),
                upkeep=sight.upkeep.get(stream.feed, Upkeep()),
                may_act=stream.feed in editable,
            )
            for stream in seen
        ],
    }


def actions(stream: StreamState) -> list[str]:
    """What can be asked of a stream in its state; nothing while nobody could keep it."""
    if stream.state is State.UNKNOWN:
        return []
    if stream.desired != "running":
        return ["start"]
    return ["stop", "restart"] if stream.launch is not None else ["stop"]


def needs_somebody(stream: StreamState) -> bool:
    """Whether a person should look at it: its state, its contract, its watch, its driver's age."""
    unwatched = stream.desired == "running" and not stream.supervised
    faults = stream.contract_fault is not None or stream.contract_differs
    return stream.state not in _FINE or unwatched or faults or "no capacity" in stream.phase


def _stream(
    stream: StreamState, *, title: str, traffic: list[Slice], upkeep: Upkeep, may_act: bool
) -> dict[str, Any]:
    failed = stream.error
    return {
        "feed": stream.feed,
        "title": title,
        "dag": dag_of(stream.feed),
        "state": str(stream.state),
        "phase": stream.phase,
        "meaning": meaning(stream.state),
        "advice": advice(stream.state, stream.feed),
        "needs_somebody": needs_somebody(stream),
        "desired": stream.desired,
        "changed_by": stream.changed_by,
        "changed_at": _moment(stream.changed_at),
        "supervised": stream.supervised,
        "watched_at": _moment(stream.watched_at),
        "may_act": may_act,
        "actions": actions(stream) if may_act else [],
        "lag_messages": stream.lag_messages,
        "lag_seconds": stream.lag_seconds,
        "last_commit": _moment(stream.last_commit),
        "launch": stream.launch,
        "model": stream.model,
        "contract_differs": stream.contract_differs,
        "contract_fault": stream.contract_fault,
        "gaps": [str(gap) for gap in stream.gaps],
        "error": failed
        and {
            "launch": failed.launch,
            "class": failed.error_class,
            "message": failed.message,
            "tail": failed.tail,
        },
        "kept": _kept(stream.feed),
        "driver_ui": ui_address(stream.feed) if stream.state in _HAS_DRIVER else "",
        "quarantined": upkeep.quarantined,
        "accounted_at": _moment(upkeep.accounted_at),
        "unaccounted": upkeep.unaccounted,
        "archived_at": _moment(upkeep.archived_at),
        "compacted_at": _moment(upkeep.compacted_at),
        "traffic": [[part.begin, part.read, part.quarantined] for part in traffic],
    }


def _kept(feed: str) -> str:
    """For how long Kafka keeps the readings of a stream that is stopped."""
    try:
        length = get_feed(feed).kafka.retention
    except VigieError:
        return ""
    days, rest = divmod(length, timedelta(days=1))
    return f"{days} days" if days and not rest else f"{length.total_seconds() / 3600:g} hours"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
