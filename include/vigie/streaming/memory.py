"""What a driver remembers between batches: numbers of strings, and each sensor's last event time.

Everything here can be read again from the warehouse; it changes only after a commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Table, insert, select, update

from vigie.contract.feed import Feed
from vigie.streaming.recall import Recall
from vigie.warehouse import core
from vigie.warehouse.session import Session

_NEVER = np.iinfo(np.int64).min
_ROWS_PER_INSERT = 1000


@dataclass(frozen=True)
class Episode:
    """An alert that is open: since when, its peak, and its last flagged reading's event time."""

    since: int
    peak: float
    last_flagged: int


@dataclass
class Memory:
    """One driver's memory of one feed. Times are microseconds since the epoch, UTC."""

    sensors: dict[str, int] = field(default_factory=dict)
    clocks: npt.NDArray[np.int64] = field(default_factory=lambda: np.full(0, _NEVER))
    rules: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    episodes: dict[tuple[int, int], Episode] = field(default_factory=dict)
    """What is open now: (sensor_id, rule_id) → the episode."""
    recall: Recall = field(default_factory=Recall)
    """What scoring remembers; sensors are read when they first come."""
    has_messages: bool = False
    """Whether a committed batch wrote messages that nobody was told of yet."""

    def last_times(self, sensor_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """The last event time of each sensor; the least integer for one never seen."""
        self._grow(sensor_ids)
        return self.clocks[sensor_ids]

    def have_readings(self, sensor_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of the sensors have a reading that is stored."""
        return self.last_times(sensor_ids) > _NEVER

    def advance(self, sensor_ids: npt.NDArray[np.int32], times: npt.NDArray[np.int64]) -> None:
        """Raise the sensors' last event times."""
        self._grow(sensor_ids)
        np.maximum.at(self.clocks, sensor_ids, times)

    def _grow(self, sensor_ids: npt.NDArray[np.int32]) -> None:
        missing = int(sensor_ids.max(initial=-1)) + 1 - len(self.clocks)
        if missing > 0:
            self.clocks = np.concatenate([self.clocks, np.full(missing + 1024, _NEVER)])


def load_memory(session: Session, feed: Feed) -> Memory:
    """Read the feed's memory, and bring its rules and status words to the contract.

    New ones get a number. An episode of a rule that is gone is closed, since no reading will.
    """
    rules = _numbered(session, core.rule, feed, _rules(feed))
    memory = Memory(
        sensors=_sensors(session, feed),
        rules=rules,
        statuses=_numbered(session, core.status, feed, _statuses(feed)),
        episodes=_open_episodes(session, feed, rules),
    )
    clock = core.sensor_clock.c
    query = select(clock.sensor_id, clock.last_event_time).where(clock.feed == feed.name)
    rows = session.run(query)
    if rows:
        times = pa.array([row["last_event_time"] for row in rows], pa.timestamp("us", tz="UTC"))
        ids = np.array([row["sensor_id"] for row in rows], dtype=np.int32)
        memory.advance(ids, times.cast(pa.int64()).to_numpy())
    session.commit()
    return memory


def number_sensors(
    session: Session, feed: Feed, sensors: pa.ChunkedArray, known: dict[str, int]
) -> tuple[pa.Array, dict[str, int]]:
    """Give each row its sensor's number; sensors never seen get one in this transaction.

    Returns:
        sensor_id (int32) per row, and the new sensors, to be remembered after the commit.
    """
    encoded = sensors.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    unknown = [name for name in names if name not in known]
    new = _insert(session, core.sensor, [{"feed": feed.name, "sensor": name} for name in unknown])
    ids = pa.array([known.get(name) or new[name] for name in names], pa.int32())
    return pc.take(ids, encoded.indices), new


def _sensors(session: Session, feed: Feed) -> dict[str, int]:
    t = core.sensor.c
    rows = session.run(select(t.sensor, t.sensor_id).where(t.feed == feed.name))
    return {row["sensor"]: row["sensor_id"] for row in rows}


def _open_episodes(
    session: Session, feed: Feed, rules: Mapping[str, int]
) -> dict[tuple[int, int], Episode]:
    t = core.alert_state.c
    still_open = (t.feed == feed.name, t.since.is_not(None))
    gone = t.rule_id.not_in([rules[name] for name in feed.alerts])
    closed = dict.fromkeys(("since", "peak", "last_flagged"))
    session.run(update(core.alert_state).where(*still_open, gone).values(closed))
    query = select(t.sensor_id, t.rule_id, t.since, t.peak, t.last_flagged).where(*still_open)
    rows = session.run(query)
    kind = pa.timestamp("us", tz="UTC")
    since, last = (
        pa.array([row[name] for row in rows], kind).cast(pa.int64()).to_pylist()
        for name in ("since", "last_flagged")
    )
    return {
        (row["sensor_id"], row["rule_id"]): Episode(began, row["peak"], flagged)
        for row, began, flagged in zip(rows, since, last, strict=True)
    }


def _insert(session: Session, table: Table, rows: Sequence[dict[str, str]]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    key = table.name
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        statement = insert(table).values(list(rows[start : start + _ROWS_PER_INSERT]))
        columns = (table.c[key], table.c[f"{key}_id"])
        for row in session.run(statement.returning(*columns)):
            numbers[row[key]] = row[f"{key}_id"]
    return numbers


def _numbered(
    session: Session, table: Table, feed: Feed, wanted: Mapping[str, dict[str, str]]
) -> dict[str, int]:
    """The numbers of a feed's rules or status words, whose rows then say what `wanted` says."""
    key, t = table.name, table.c
    rows = session.run(select(table).where(t.feed == feed.name))
    stored = {row[key]: row for row in rows}
    for word, says in wanted.items():
        row = stored.get(word)
        if row and any(row[name] != value for name, value in says.items()):
            session.run(update(table).where(t[f"{key}_id"] == row[f"{key}_id"]).values(says))
    new = [{"feed": feed.name, key: w} | says for w, says in wanted.items() if w not in stored]
    numbers = {word: row[f"{key}_id"] for word, row in stored.items()}
    return numbers | _insert(session, table, new)


def _rules(feed: Feed) -> dict[str, dict[str, str]]:
    return {
        name: {"severity": alert.severity, "field": alert.when.field}
        for name, alert in feed.alerts.items()
    }


def _statuses(feed: Feed) -> dict[str, dict[str, str]]:
    """What each status word of the contract means: ok, warning or fault."""
    if feed.status is None:
        return {}
    levels = ("ok", "warning", "fault")
    return {word: {"level": level} for level in levels for word in getattr(feed.status, level)}
