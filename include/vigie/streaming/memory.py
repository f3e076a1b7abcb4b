"""What a driver remembers between batches: numbers of strings, and each sensor's last event time.

Everything here can be read again from the warehouse; it changes only after a commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Table, insert, select

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
    """Read the feed's memory, and give its rules and status words their numbers."""
    memory = Memory(
        sensors=_known(session, core.sensor, feed, "sensor"),
        rules=_numbered_rules(session, feed),
        statuses=_numbered_statuses(session, feed),
        episodes=_open_episodes(session, feed),
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


def _known(session: Session, table: Table, feed: Feed, name: str) -> dict[str, int]:
    columns = (table.c[name], table.c[f"{name}_id"])
    rows = session.run(select(*columns).where(table.c.feed == feed.name))
    return {row[name]: row[f"{name}_id"] for row in rows}


def _open_episodes(session: Session, feed: Feed) -> dict[tuple[int, int], Episode]:
    t = core.alert_state.c
    query = select(t.sensor_id, t.rule_id, t.since, t.peak, t.last_flagged).where(
        t.feed == feed.name, t.since.is_not(None)
    )
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


def _numbered_rules(session: Session, feed: Feed) -> dict[str, int]:
    known = _known(session, core.rule, feed, "rule")
    new = [
        {"feed": feed.name, "rule": name, "severity": alert.severity, "field": alert.when.field}
        for name, alert in feed.alerts.items()
        if name not in known
    ]
    return known | _insert(session, core.rule, new)


def _numbered_statuses(session: Session, feed: Feed) -> dict[str, int]:
    known = _known(session, core.status, feed, "status")
    new = [
        {"feed": feed.name, "status": word, "level": level}
        for word, level in _status_levels(feed).items()
        if word not in known
    ]
    return known | _insert(session, core.status, new)


def _status_levels(feed: Feed) -> dict[str, str]:
    """What each status word of the contract means: ok, warning or fault."""
    if feed.status is None:
        return {}
    return {
        word: level for level in ("ok", "warning", "fault") for word in getattr(feed.status, level)
    }
