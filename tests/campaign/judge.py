"""Compares what was sent, what the topic holds and what was made of it; a sentence per difference.

It trusts none of Vigie's own accounts: what must be stored is worked out from the topic's records.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.campaign import expected
from tests.campaign.expected import Coordinates, Identity, Reading, Record
from tests.campaign.sent import GOOD, Sent
from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed

_NAMED = 8
"""Differences of one kind that are named; the rest are counted."""
_CLOSE = 1e-9

PaneRow = tuple[int, int, int, int, Mapping[str, tuple[int, float, float, float | None, Any]]]
"""Counts as in `Pane`, and per field n, sum, sum of squares, min, max."""
Range = tuple[int, int, int]
"""Partition, begin, end."""


@dataclass
class Kept:
    """What the platform made of one feed's messages, as it was read from its stores."""

    rows: list[Reading] = field(default_factory=list)
    quarantine: list[tuple[Coordinates, str]] = field(default_factory=list)
    panes: dict[Identity, PaneRow] = field(default_factory=dict)
    windows: list[tuple[str, str, datetime, datetime, int]] = field(default_factory=list)
    """Sensor, length, start, end, number of readings."""
    alerts: list[tuple[str, str, datetime]] = field(default_factory=list)
    """Rule, sensor, event time."""
    ledger: list[Range] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """The ledger's sums: read, stored, copies, conflicts, quarantined."""
    documents: list[Reading] | None = None
    latest: dict[str, datetime] = field(default_factory=dict)
    """The documents of last known states: sensor and event time."""
    lake: list[Record] | None = None


def differences(feed: Feed, sent: Sent, records: list[Record], kept: Kept) -> list[str]:
    """Every way in which what is kept is not what was sent; none if the feed is clean."""
    outcome = _Outcome.of(feed, sent, records, kept)
    kinds = {
        "sent and in the topic": _topic(sent, records),
        "wrong answers": iter(sent.wrong_answers),
        "readings": _rows(feed, outcome, kept.rows),
        "quarantine": _quarantine(outcome, kept.quarantine),
        "alerts": _alerts(feed, kept),
        "panes": _panes(feed, kept),
        "windows": _windows(feed, kept),
        "ledger": _ledger(records, outcome, kept),
        "documents": _documents(kept),
        "lake": _lake(records, kept.lake),
    }
    found = []
    for kind, faults in kinds.items():
        told = list(faults)
        found += [f"{feed.name}: {kind}: {one}" for one in told[:_NAMED]]
        if len(told) > _NAMED:
            found.append(f"{feed.name}: {kind}: and {len(told) - _NAMED} more")
    return found


@dataclass
class _Outcome:
    """What must have become of each record, given which of several firsts was stored."""

    stored: dict[Identity, list[Reading]]
    """Of each identity the records of which one may be stored."""
    quarantined: dict[Coordinates, str]
    copies: int

    @classmethod
    def of(cls, feed: Feed, sent: Sent, records: list[Record], kept: Kept) -> _Outcome:
        good = [r for r in records if sent.meant.get(r.value) == GOOD]
        rows = {row.identity: row for row in kept.rows}
        outcome = cls({}, {}, 0)
        for record in records:
            meaning = sent.meant.get(record.value, GOOD)
            if meaning != GOOD:
                outcome.quarantined[record.coordinates] = meaning
        for identity, readings in expected.candidates(feed, good).items():
            firsts = {r.coordinates[0]: r for r in reversed(readings)}
            outcome.stored[identity] = [firsts[partition] for partition in sorted(firsts)]
            # Between partitions nobody knows which comes first; in one, the lowest offset does.
            row = rows.get(identity)
            winner = next(
                (r for r in firsts.values() if row and r.coordinates == row.coordinates),
                readings[0],
            )
            for reading in readings:
                if reading is winner:
                    continue
                if reading.values == winner.values:
                    outcome.copies += 1
                else:
                    outcome.quarantined[reading.coordinates] = "conflicting_copy"
        return outcome


def _topic(sent: Sent, records: list[Record]) -> Iterator[str]:
    held = {record.coordinates: record.value for record in records}
    values = set(held.values())
    for value in sorted(sent.acknowledged - values):
        yield f"acknowledged, and not in the topic: {_shown(value)}"
    for place, value in sorted(sent.places.items()):
        if held.get(place) != value:
            yield f"{_place(place)}: acknowledged {_shown(value)}, holds {_shown(held.get(place))}"
    for place, value in sorted(held.items()):
        if value not in sent.meant:
            yield f"{_place(place)}: nobody sent {_shown(value)}"
        elif value in sent.refused and value not in sent.by_kafka | sent.acknowledged:
            yield f"{_place(place)}: was refused by the API: {_shown(value)}"


def _rows(feed: Feed, outcome: _Outcome, rows: list[Reading]) -> Iterator[str]:
    found: dict[Identity, Reading] = {}
    for row in rows:
        if row.identity in found:
            yield f"{_named(row)}: stored twice"
        found[row.identity] = row
    for identity, firsts in outcome.stored.items():
        if identity not in found:
            yield f"{_named(firsts[0])}: lost"
            continue
        row = found[identity]
        meant = next((r for r in firsts if r.coordinates == row.coordinates), None)
        if meant is None:
            yield f"{_named(row)}: stored, but the first is {_place(firsts[0].coordinates)}"
        elif row != meant:
            yield f"{_named(row)}: stored {_values(row)}, sent {_values(meant)}"
    for identity in sorted(found.keys() - outcome.stored.keys()):
        yield f"{_named(found[identity])}: stored, and no good message has it"


def _quarantine(outcome: _Outcome, rows: list[tuple[Coordinates, str]]) -> Iterator[str]:
    for place, times in Counter(place for place, _ in rows).items():
        if times > 1:
            yield f"{_place(place)}: {times} rows"
    found = dict(rows)
    for place in sorted(found.keys() | outcome.quarantined.keys()):
        have, want = found.get(place), outcome.quarantined.get(place)
        if have != want:
            yield f"{_place(place)}: found {have}, expected {want}"


def _alerts(feed: Feed, kept: Kept) -> Iterator[str]:
    wanted = Counter(
        (rule, row.sensor, row.event_time)
        for row in kept.rows
        for rule in expected.alerts(feed, row)
    )
    found = Counter(kept.alerts)
    for alert in sorted((wanted - found).keys()):
        yield f"no alert {alert}"
    for alert in sorted((found - wanted).keys()):
        yield f"alert {alert}: doubled, or of no reading"


def _panes(feed: Feed, kept: Kept) -> Iterator[str]:
    wanted = expected.panes(feed, kept.rows)
    for key in sorted(wanted.keys() | kept.panes.keys()):
        if key not in wanted or key not in kept.panes:
            yield f"{key[0]} {key[1]}: {'no readings' if key not in wanted else 'no pane'}"
            continue
        pane, (*counts, fields) = wanted[key], kept.panes[key]
        if counts != [pane.readings, pane.alerts, pane.warnings, pane.faults]:
            yield f"{key[0]} {key[1]}: counts {counts}, from the readings {pane}"
        for name, row in fields.items():
            if not _same(_summary(pane.values[name]), row):
                yield f"{key[0]} {key[1]}: {name} {row}, from the readings {pane.values[name]}"


def _windows(feed: Feed, kept: Kept) -> Iterator[str]:
    """Numbers of readings: the values come from the panes, which are compared in full."""
    by_sensor: dict[str, list[datetime]] = {}
    for row in kept.rows:
        by_sensor.setdefault(row.sensor, []).append(row.event_time)
    for times in by_sensor.values():
        times.sort()
    totals: Counter[str] = Counter()
    for sensor, length, start, end, readings in kept.windows:
        totals[length] += readings
        times = by_sensor.get(sensor, [])
        counted = bisect_left(times, end) - bisect_left(times, start)
        if counted != readings:
            yield f"{sensor} {start}, {length}: {readings} readings, counted {counted}"
    for window in feed.windows.sliding:
        length = format_duration(window.length)
        # Each reading lies in as many windows as the slide fits into the length.
        wanted = len(kept.rows) * (window.length // window.slide)
        if window.length % window.slide == timedelta(0) and totals[length] != wanted:
            yield f"all windows of {length} together: {totals[length]} readings, not {wanted}"


def _ledger(records: list[Record], outcome: _Outcome, kept: Kept) -> Iterator[str]:
    ends = {r.partition: 0 for r in records}
    for partition, begin, end in sorted(kept.ledger):
        if begin != ends.get(partition, 0):
            yield f"partition {partition}: a range begins at {begin}, not {ends.get(partition, 0)}"
        ends[partition] = end
    for partition in sorted(ends):
        last = max((r.offset + 1 for r in records if r.partition == partition), default=0)
        if ends[partition] != last:
            yield f"partition {partition}: ends at {ends[partition]}, the topic at {last}"
    conflicts = sum(reason == "conflicting_copy" for reason in outcome.quarantined.values())
    wanted = {
        "read": len(records),
        "stored": len(outcome.stored),
        "copies": outcome.copies,
        "conflicts": conflicts,
        "quarantined": len(outcome.quarantined) - conflicts,
    }
    for name, number in wanted.items():
        if kept.counts[name] != number:
            yield f"{kept.counts[name]} {name}, expected {number}"


def _documents(kept: Kept) -> Iterator[str]:
    if kept.documents is None:
        return
    rows = {row.identity: row for row in kept.rows}
    found = {document.identity: document for document in kept.documents}
    if len(found) < len(kept.documents):
        yield f"{len(kept.documents) - len(found)} readings have two"
    for identity in sorted(rows.keys() | found.keys()):
        if rows.get(identity) != found.get(identity):
            yield f"{identity}: stored {rows.get(identity)}, document {found.get(identity)}"
    newest: dict[str, datetime] = {}
    for row in kept.rows:
        newest[row.sensor] = max(row.event_time, newest.get(row.sensor, row.event_time))
    for sensor in sorted(newest.keys() | kept.latest.keys()):
        if newest.get(sensor) != kept.latest.get(sensor):
            yield f"{sensor}: state of {kept.latest.get(sensor)}, newest {newest.get(sensor)}"


def _lake(records: list[Record], lake: list[Record] | None) -> Iterator[str]:
    if lake is None:
        return
    for place, times in Counter(record.coordinates for record in lake).items():
        if times > 1:
            yield f"{_place(place)}: {times} times"
    there = {record.coordinates: record for record in lake}
    here = {record.coordinates: record for record in records}
    for place in sorted(there.keys() | here.keys()):
        if there.get(place) != here.get(place):
            yield f"{_place(place)}: lake {there.get(place)}, topic {here.get(place)}"


def _summary(values: list[float]) -> tuple[int, float, float, float | None, float | None]:
    squares = math.fsum(value * value for value in values)
    return len(values), math.fsum(values), squares, *_bounds(values)


def _bounds(values: list[float]) -> tuple[float | None, float | None]:
    return (min(values), max(values)) if values else (None, None)


def _same(wanted: Iterable[Any], found: Iterable[Any]) -> bool:
    return all(
        one is other is None
        if one is None or other is None
        else math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
        for one, other in zip(wanted, found, strict=True)
    )


def _place(place: Coordinates) -> str:
    return f"partition {place[0]}, offset {place[1]}"


def _named(reading: Reading) -> str:
    at = f"{reading.event_time:%Y-%m-%d %H:%M:%S.%f}"
    return f"{reading.sensor} at {at} ({_place(reading.coordinates)})"


def _values(reading: Reading) -> str:
    return f"{reading.values}, {'late' if reading.is_late else 'in time'}"


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else repr(value[:120])
