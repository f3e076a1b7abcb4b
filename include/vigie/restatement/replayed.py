"""What a replay of quarantine did: the sum for who started it, and a row per day for the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Boolean, Engine, Integer, cast, func, select

from vigie.contract.feed import Feed
from vigie.restatement.compute import Computed
from vigie.restatement.cut import Cut
from vigie.restatement.plan import Plan
from vigie.restatement.record import Restated, Why
from vigie.restatement.stored import day_span
from vigie.streaming.document_store import wants_documents
from vigie.warehouse.feed_tables import feed_tables

Sums = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """Messages by what became of them.

    `stored` and `copies` of stored readings were released; `quarantined` counts by reason those
    that still fail, of which `told_anew` have another reason or detail than before. Left as they
    were: messages `cut` to what is kept, `without_bytes`, or of days of which readings `expired`.
    `unfinished` says what is left to the next restatement, if anything is.
    """

    feed: str
    stored: int = 0
    copies: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    told_anew: int = 0
    cut: int = 0
    without_bytes: int = 0
    expired: int = 0
    days: tuple[date, ...] = ()
    """Days to which readings came."""
    unfinished: str = ""

    @property
    def released(self) -> int:
        """Messages that left quarantine."""
        return self.stored + self.copies

    @classmethod
    def of(cls, feed: Feed, found: Computed, plan: Plan) -> Replayed:
        """Count a plan."""
        reasons = Counter(found.failed["reason"].to_pylist())
        reasons["conflicting_copy"] += found.repeats.conflicts.size
        return cls(
            feed.name,
            stored=found.repeats.fresh.size,
            copies=found.repeats.copies.size,
            quarantined=dict(+reasons),
            told_anew=plan.quarantined.num_rows,
            days=tuple(sorted(plan.per_day)),
        )

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(
            self.feed,
            stored=self.stored + other.stored,
            copies=self.copies + other.copies,
            quarantined=dict(Counter(self.quarantined) + Counter(other.quarantined)),
            told_anew=self.told_anew + other.told_anew,
            cut=self.cut + other.cut,
            without_bytes=self.without_bytes + other.without_bytes,
            expired=self.expired + other.expired,
            days=tuple(sorted({*self.days, *other.days})),
        )


def dates(rows: pa.Table) -> list[date]:
    """The day of each row, UTC; of a message whose time cannot be read, the day it came."""
    times = rows["event_time"]
    if "append_time" in rows.column_names:
        times = pc.coalesce(times, rows["append_time"])
    found: list[date] = times.cast(pa.timestamp("us")).cast(pa.date32()).to_pylist()
    return found


def sums_before(engine: Engine, feed: Feed, days: Iterable[date], cut: Cut) -> dict[date, Sums]:
    """Per day and field the sum of the readings up to the cut."""
    t = feed_tables(feed).reading.c
    columns = [
        func.sum(cast(t[name], Integer) if isinstance(t[name].type, Boolean) else t[name])
        for name in feed.fields
    ]
    sums = {}
    with engine.connect() as connection:
        for day in days:
            begin, end = day_span(day)
            mine = (t.event_time >= begin, t.event_time < end, t.batch_no <= cut.batch_no)
            row = connection.execute(select(*columns).where(*mine)).one()
            sums[day] = dict(zip(feed.fields, row, strict=True))
    return sums


def records_of(
    number: str,
    feed: Feed,
    found: Computed,
    plan: Plan,
    sums: Mapping[date, Sums],
    why: Why,
    cut: Cut,
    batch_no: int,
    seconds: float,
) -> list[Restated]:
    """A row for each day that a page changed; the first has this number."""
    passed = np.concatenate([found.repeats.fresh, found.repeats.copies])
    released = Counter(dates(found.rows.take(passed)))
    quarantined = Counter(dates(plan.quarantined))
    alerts = Counter(dates(plan.alert_rows))
    records = Counter(dates(found.rows)) + Counter(dates(found.failed))
    days = sorted(released.keys() | quarantined.keys())
    return [
        Restated(
            restatement_id=uuid4().hex if place else number,
            feed=feed.name,
            event_date=day,
            person=why.person,
            reason=why.reason,
            prefer="first",
            cut_batch_no=cut.batch_no,
            batch_no=batch_no,
            records=records[day],
            came=plan.per_day.get(day, 0),
            went=0,
            changed=0,
            alerts_came=alerts[day],
            alerts_went=0,
            quarantined=quarantined[day],
            released=released[day],
            left_over=0,
            sums_before=_dump(sums.get(day, {})),
            sums_after=_dump(_sums_after(sums.get(day, {}), plan.computed, day)),
            seconds=seconds,
            documents_due=day in plan.per_day and wants_documents(feed),
            source="quarantine",
        )
        for place, day in enumerate(days)
    ]


def _sums_after(before: Sums, came: pa.Table, day: date) -> Sums:
    if not before:
        return {}
    mine = came.filter(pa.array([one == day for one in dates(came)], pa.bool_()))
    terms = {name: (before[name], pc.sum(mine[name]).as_py()) for name in before}
    return {
        name: None if both == (None, None) else sum(term or 0 for term in both)
        for name, both in terms.items()
    }


def _dump(sums: Sums) -> str:
    return orjson.dumps({k: v if v is None else float(v) for k, v in sums.items()}).decode()
