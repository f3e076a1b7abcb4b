"""All that one restatement writes, decided before its transaction begins.

Counts stay true by looking at each record (`_differences_per_partition`): what the ledger says of a
record, with earlier restatements, against what becomes of it now. So rows changed behind Vigie's
back come back without being counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.errors import RestatementRefused
from vigie.restatement.compute import Computed, in_day
from vigie.restatement.coordinates import Coordinates, among, coordinates
from vigie.restatement.differences import Differences, compare
from vigie.restatement.stored import Stored
from vigie.streaming.copies import IDENTITY
from vigie.streaming.rows import alert_rows, conflict_rows
from vigie.streaming.split import COORDINATES

_ALERT_KEY = ("rule_id", *IDENTITY)
_NAMED = 10


@dataclass(frozen=True)
class Plan:
    """Differences of readings and alerts, and what follows in quarantine and counters.

    `quarantined` are rows to write, new or with a new reason; `released` coordinates that pass now.
    `per_partition` and `per_day` are by how much the readings of a Kafka partition, and of a day,
    differ from what was counted, `new_messages` the messages that were never in quarantine, per
    partition.
    """

    computed: pa.Table
    readings: Differences
    alerts: Differences
    alert_rows: pa.Table
    quarantined: pa.Table
    released: list[Coordinates]
    per_partition: dict[int, int]
    per_day: dict[date, int]
    new_messages: dict[int, int]

    @property
    def is_empty(self) -> bool:
        """Whether the warehouse already holds exactly this."""
        return not (self.moves or self.quarantined.num_rows or self.released)

    @property
    def moves(self) -> bool:
        """Whether a reading or an alert comes, goes or changes."""
        return any(d.came.size or d.went.size or d.old.size for d in (self.readings, self.alerts))


def make_plan(
    computed: Computed,
    stored: Stored,
    feed: Feed,
    day: date,
    rules: Mapping[str, int],
) -> Plan:
    """Compare computed and stored.

    Raises:
        RestatementRefused: The lake lacks the record of a stored reading; its ranges are named.
    """
    _require_covered(computed, stored, feed, day)
    winners = computed.winners
    alerts = alert_rows(winners, feed, dict(rules))
    if not alerts.num_columns:
        alerts = stored.alerts.slice(0, 0)
    failed = _failed_of_day(computed.failed, stored, day)
    conflicts = computed.rows.take(computed.repeats.conflicts)
    quarantined, new = to_quarantine(failed, conflicts, feed, stored.quarantine)
    per_partition = _differences_per_partition(computed, failed, stored)
    return Plan(
        computed=winners,
        readings=compare(winners, stored.readings, IDENTITY),
        alerts=compare(alerts, stored.alerts, _ALERT_KEY),
        alert_rows=alerts,
        quarantined=quarantined,
        released=list(_released(computed, stored.quarantine)),
        per_partition=per_partition,
        per_day={day: sum(per_partition.values())},
        new_messages=new,
    )


def _require_covered(computed: Computed, stored: Stored, feed: Feed, day: date) -> None:
    names = [*COORDINATES[:2]]
    known = pa.concat_tables([t.select(names) for t in (computed.rows, computed.failed)])
    absent = stored.readings.filter(pa.array(~among(stored.readings, known)))
    if not absent.num_rows:
        return
    ranges = list(_ranges(absent))
    named = "; ".join(f"partition {p}, offsets {b} to {e}" for p, b, e in ranges[:_NAMED])
    more = f" and {len(ranges) - _NAMED} more ranges" if len(ranges) > _NAMED else ""
    message = (
        f"{feed.name} {day}: not restated, the lake lacks the records of {absent.num_rows} stored "
        f"readings: {named}{more}. No row was touched. See `vigie lake check {feed.name}`"
    )
    raise RestatementRefused(message)


def _ranges(rows: pa.Table) -> Iterator[tuple[int, int, int]]:
    """Partition, first and last offset of each run."""
    places = sorted(zip(*(rows[name].to_pylist() for name in COORDINATES[:2]), strict=True))
    begin = places[0]
    for last, following in zip(places, [*places[1:], (-1, -1)], strict=True):
        if following != (last[0], last[1] + 1):
            yield (*begin, last[1])
            begin = following


def _failed_of_day(failed: pa.Table, stored: Stored, day: date) -> pa.Table:
    """Messages that fail now and are of the day: by their time, or because it held them so far."""
    mine = in_day(failed["event_time"], day)
    mine |= among(failed, stored.readings)
    dated = {place for place, row in stored.quarantine.items() if row["event_time"] is not None}
    if dated:
        mine |= np.array([place in dated for place in coordinates(failed)], dtype=bool)
    return failed.filter(pa.array(mine))


def to_quarantine(
    failed: pa.Table,
    conflicts: pa.Table,
    feed: Feed,
    quarantine: Mapping[Coordinates, Mapping[str, Any]],
) -> tuple[pa.Table, dict[int, int]]:
    """Messages whose row in quarantine is to be written, and how many never had one."""
    topics = conflicts["topic_id"]
    told = conflict_rows(conflicts, [*feed.fields]).append_column("topic_id", topics)
    rows = pa.concat_tables([failed, told], promote_options="permissive")
    said = zip(
        coordinates(rows), rows["reason"].to_pylist(), rows["detail"].to_pylist(), strict=True
    )
    wanted: list[int] = []
    new: dict[int, int] = {}
    for number, (place, reason, detail) in enumerate(said):
        row = quarantine.get(place)
        if row is None:
            new[place[1]] = new.get(place[1], 0) + 1
        elif (row["reason"], row["detail"], row["released_at"]) == (reason, detail, None):
            continue
        wanted.append(number)
    return rows.take(pa.array(wanted, pa.int64())), new


def _released(
    computed: Computed, quarantine: Mapping[Coordinates, Mapping[str, Any]]
) -> Iterator[Coordinates]:
    waiting = _waiting(quarantine)
    if waiting:
        passed = np.concatenate([computed.repeats.fresh, computed.repeats.copies])
        yield from waiting & set(coordinates(computed.rows.take(passed)))


def _differences_per_partition(
    computed: Computed, failed: pa.Table, stored: Stored
) -> dict[int, int]:
    """By how many the readings of each partition differ from those counted.

    Counted is a record that is stored now. Where no record of an identity is, though one of them is
    in no quarantine and so was stored or a copy, a reading vanished behind our back: it counts.
    """
    names = ["sensor", "event_time", "topic_id", *COORDINATES[:2]]
    records = pa.concat_tables([computed.rows.select(names), failed.select(names)])
    after = np.zeros(records.num_rows, dtype=bool)
    after[computed.repeats.fresh] = True
    before = among(records, stored.readings)
    identity = _identities(records)
    held = np.zeros(int(identity.max(initial=0)) + 1, dtype=bool)
    held[identity[before]] = True
    vanished = np.flatnonzero(~held[identity])
    if vanished.size:
        kept = _waiting(stored.quarantine)
        places = coordinates(records.take(vanished))
        known = pc.is_valid(records["event_time"]).to_numpy()[vanished]
        counted = [place not in kept for place in places]
        vanished = vanished[np.array(counted, dtype=bool) & known]
        before[vanished[np.unique(identity[vanished], return_index=True)[1]]] = True
    parts = records["kafka_partition"].to_numpy()
    change = after.astype(np.int64) - before
    return {int(p): int(change[parts == p].sum()) for p in np.unique(parts[change != 0])}


def _waiting(quarantine: Mapping[Coordinates, Mapping[str, Any]]) -> set[Coordinates]:
    return {place for place, row in quarantine.items() if row["released_at"] is None}


def _identities(records: pa.Table) -> npt.NDArray[np.int64]:
    """A number per sensor and event time."""
    sensors = pc.fill_null(records["sensor"], "").combine_chunks().dictionary_encode()
    moments = pc.fill_null(records["event_time"].cast(pa.int64()), -1).to_numpy()
    times = np.unique(moments, return_inverse=True)[1].astype(np.int64)
    wide = sensors.indices.to_numpy().astype(np.int64) * (int(times.max(initial=0)) + 1) + times
    result: npt.NDArray[np.int64] = np.unique(wide, return_inverse=True)[1].astype(np.int64)
    return result
