"""`ops.restatement`: who restated which day when and why, what changed, and what is still due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, insert, select

from vigie.contract.feed import Feed
from vigie.restatement.cut import Cut
from vigie.restatement.plan import Plan
from vigie.restatement.preference import Prefer
from vigie.restatement.stored import Stored
from vigie.streaming.document_store import wants_documents
from vigie.warehouse import core
from vigie.warehouse.session import Session
from vigie.warehouse.types import UtcNow


@dataclass(frozen=True)
class Why:
    """Who restates, why, and which record of an identity is to win."""

    person: str
    reason: str | None = None
    prefer: Prefer = "first"


@dataclass(frozen=True)
class Restated:
    """One restatement, as its row; `batch_no` is None where nothing differed.

    `source` is `lake`, or `quarantine` where messages were replayed: then `records` are those of
    the day that were judged again. `left_over` are readings left to the next restatement, because a
    batch after the cut stored another record of their identity meanwhile. The sums are per field of
    all readings of the day, as JSON; empty where a replay brought none.
    """

    restatement_id: str
    feed: str
    event_date: date
    person: str
    reason: str | None
    prefer: str
    cut_batch_no: int
    batch_no: int | None
    records: int
    came: int
    went: int
    changed: int
    alerts_came: int
    alerts_went: int
    quarantined: int
    released: int
    left_over: int
    sums_before: str
    sums_after: str
    seconds: float
    documents_due: bool
    source: str = "lake"

    @classmethod
    def of(
        cls,
        number: str,
        feed: Feed,
        day: date,
        cut: Cut,
        plan: Plan,
        stored: Stored,
        batch_no: int | None,
        **told: Any,
    ) -> Restated:
        """Count a plan."""
        readings, alerts = plan.readings, plan.alerts
        return cls(
            restatement_id=number,
            feed=feed.name,
            event_date=day,
            cut_batch_no=cut.batch_no,
            batch_no=batch_no,
            records=plan.computed.num_rows,
            came=readings.came.size,
            went=readings.went.size,
            changed=readings.old.size,
            alerts_came=alerts.came.size + alerts.new.size,
            alerts_went=alerts.went.size + alerts.old.size,
            quarantined=plan.quarantined.num_rows,
            released=len(plan.released),
            sums_before=_sums(stored.readings, feed),
            sums_after=_sums(plan.computed, feed),
            documents_due=plan.moves and wants_documents(feed),
            **told,
        )

    def __str__(self) -> str:
        return (
            f"{self.feed} {self.event_date}: {self.came} readings came, {self.went} went, "
            f"{self.changed} changed of {self.records}; {self.quarantined} messages to quarantine, "
            f"{self.released} released; {self.seconds:.1f} s"
        )


COLUMNS = ("restated_at", *(field.name for field in fields(Restated)), "rolled_up_at")


def write_record(session: Session, done: Restated, *, roll_up_due: bool) -> None:
    """Write the row in the session's transaction."""
    rolled_up = None if roll_up_due else UtcNow()
    session.run(insert(core.restatement).values(**asdict(done), rolled_up_at=rolled_up))


def is_recorded(engine: Engine, number: str) -> bool:
    """Whether the restatement's transaction took effect."""
    t = core.restatement.c
    with engine.connect() as connection:
        query = select(t.restatement_id).where(t.restatement_id == number)
        return connection.scalar(query) is not None


def recent(engine: Engine, feed: str | None, limit: int) -> Sequence[dict[str, Any]]:
    """The newest restatements, newest first."""
    t = core.restatement.c
    query = select(*(t[name] for name in COLUMNS)).order_by(t.restated_at.desc()).limit(limit)
    if feed is not None:
        query = query.where(t.feed == feed)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _sums(rows: pa.Table, feed: Feed) -> str:
    return orjson.dumps({name: pc.sum(rows[name]).as_py() for name in feed.fields}).decode()
