"""Alert episodes: which of them a batch opens and clears, and the messages that say so.

Only live readings move an episode: those that are not late and newer than every reading of their
sensor stored before, in the order of offsets. Both are functions of the record and of what lies
before it, so that the cuts between batches change nothing, and a replay of history says nothing.
A reading without the rule's field says nothing either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Alert, Feed
from vigie.streaming.flag import flag_column
from vigie.streaming.memory import Episode, Memory
from vigie.streaming.newest import newer_rows
from vigie.warehouse import core
from vigie.warehouse.session import Merge, Session

_TIME = pa.timestamp("us", tz="UTC")
_STATE = pa.schema(
    {
        "sensor_id": pa.int32(),
        "rule_id": pa.int32(),
        "feed": pa.string(),
        "since": _TIME,
        "peak": pa.float64(),
        "last_flagged": _TIME,
    }
)
_OUTBOX = pa.schema(dict.fromkeys(("feed", "sensor", "message"), pa.string()))
_MERGES: dict[str, Merge] = dict.fromkeys(("since", "peak", "last_flagged"), "replace")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Integers = npt.NDArray[np.int64]


@dataclass
class Episodes:
    """What a batch does to the feed's episodes: new states (None: cleared) and messages."""

    feed: str
    states: dict[tuple[int, int], Episode | None] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def write(self, session: Session) -> None:
        """Write states and messages in the session's transaction."""
        if self.states:
            rows = [_state_row(self.feed, *item) for item in self.states.items()]
            columns = zip(*rows, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _STATE, strict=True)]
            session.upsert(core.alert_state, pa.Table.from_arrays(arrays, schema=_STATE), _MERGES)
        if self.messages:
            ordered = sorted(self.messages, key=lambda message: message["event_time"])
            outbox = [
                {"feed": self.feed, "sensor": m["sensor"], "message": orjson.dumps(m).decode()}
                for m in ordered
            ]
            session.append(core.alert_outbox, pa.Table.from_pylist(outbox, _OUTBOX))

    def remember(self, memory: Memory) -> None:
        """Take the new states into the driver's memory, after the commit."""
        for key, episode in self.states.items():
            if episode is None:
                memory.episodes.pop(key, None)
            else:
                memory.episodes[key] = episode
        memory.has_messages |= bool(self.messages)


def follow_episodes(stored: pa.Table, feed: Feed, memory: Memory) -> Episodes:
    """Find what the stored readings of a batch open, continue and clear.

    Args:
        stored: The batch's fresh readings, each sensor's in order of offset, with their flags.
        feed: The contract.
        memory: Last event times and open episodes before this batch; not changed.
    """
    found = Episodes(feed.name)
    flags = {name: stored[flag_column(name)] for name in feed.alerts}
    flagged = [name for name, column in flags.items() if pc.any(column).as_py()]
    if not flagged and not memory.episodes:
        return found
    concerned = np.zeros(len(memory.clocks), dtype=bool)
    sensors = stored["sensor_id"].to_numpy()
    concerned[[sensor for sensor, _ in memory.episodes]] = True
    for name in flagged:
        concerned[sensors[flags[name].to_numpy()]] = True
    newer = newer_rows(stored, np.flatnonzero(concerned[sensors]), memory)
    live = newer[~stored["is_late"].to_numpy()[newer]]
    if live.size:
        rows = stored.take(live)
        for alert in feed.alerts.values():
            _follow(rows, alert, memory, found)
    return found


def _follow(rows: pa.Table, alert: Alert, memory: Memory, found: Episodes) -> None:
    """Follow one rule through the live rows, which stand sensor by sensor, in order of time."""
    rows = rows.filter(pc.is_valid(rows[alert.when.field]))
    sensors = rows["sensor_id"].to_numpy()
    flags = rows[flag_column(alert.name)].to_numpy()
    rule = memory.rules[alert.name]
    starts = np.flatnonzero(np.diff(sensors, prepend=-1))
    before = np.concatenate([[False], flags[:-1]])[: len(flags)]
    before[starts] = [(int(sensor), rule) in memory.episodes for sensor in sensors[starts]]
    if not (flags.any() or before.any()):
        return
    times = rows["event_time"].cast(pa.int64()).to_numpy()
    values = rows[alert.when.field].cast(pa.float64(), safe=False).to_numpy()
    down = -1.0 if alert.when.below is not None else 1.0
    # Each part begins with a sensor or a raise, so it belongs to one episode at most.
    begins = np.union1d(starts, np.flatnonzero(flags & ~before))
    ends = np.append(begins[1:], len(flags))
    heights = np.maximum.reduceat(np.where(flags, down * values, -np.inf), begins)
    lasts = np.maximum.reduceat(np.where(flags, np.arange(len(flags)), -1), begins)
    for begin, end, height, last in zip(begins, ends, heights, lasts, strict=True):
        sensor = int(sensors[begin])
        episode = memory.episodes.get((sensor, rule)) if before[begin] else None
        if episode is None and not flags[begin]:
            continue
        if episode is None:
            episode = Episode(int(times[begin]), float(down * height), int(times[last]))
            found.messages.append(_message(rows, int(begin), alert, found.feed, episode))
        elif last >= 0:
            peak = down * max(down * episode.peak, float(height))
            episode = Episode(episode.since, peak, int(times[last]))
        cleared = int(begin) if last < 0 else int(last) + 1
        if cleared < end:
            found.messages.append(_message(rows, cleared, alert, found.feed, episode))
            found.states[sensor, rule] = None
        elif last >= 0:
            found.states[sensor, rule] = episode


def _message(rows: pa.Table, row: int, alert: Alert, feed: str, episode: Episode) -> dict[str, Any]:
    sensor = rows["sensor"][row].as_py()
    at = rows["event_time"][row].value
    since = _iso(episode.since)
    value = rows[alert.when.field][row].as_py()
    kind = "raised" if at == episode.since else "cleared"
    return {
        # The same for the same episode, however often it is computed or sent.
        "id": str(uuid5(NAMESPACE_URL, f"{feed}/{sensor}/{alert.name}/{since}/{kind}")),
        "feed": feed,
        "sensor": sensor,
        "rule": alert.name,
        "severity": alert.severity,
        "kind": kind,
        "event_time": _iso(at),
        "value": value,
        "peak": float(value) if kind == "raised" else episode.peak,
        "since": since,
    }


def _state_row(feed: str, key: tuple[int, int], episode: Episode | None) -> tuple[object, ...]:
    if episode is None:
        return (*key, feed, None, None, None)
    return (*key, feed, episode.since, episode.peak, episode.last_flagged)


def _iso(micros: int) -> str:
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
