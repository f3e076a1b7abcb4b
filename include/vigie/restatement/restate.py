"""Recompute one day of one feed from the lake and swap what differs, while the stream runs on.

ledger ─ cut ─▶ archive up to it ─▶ lake: the day and `unparsed` ─ judge, split ─▶ computed
                                                  warehouse up to the cut ────────▶ stored
computed and stored ─ plan ─▶ one transaction under the fence ─▶ roll-ups
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from vigie.contract.feed import Feed
from vigie.errors import RestatementBusy, RestatementRefused
from vigie.restatement.compute import Prefer, compute
from vigie.restatement.cut import Cut, read_cut
from vigie.restatement.plan import Plan, make_plan
from vigie.restatement.record import Restated, finish, is_recorded, write_record
from vigie.restatement.source import Records, judge_lake, split_records
from vigie.restatement.stored import Stored, read_stored
from vigie.restatement.swap import LaterArrivals, swap
from vigie.streaming.memory import load_memory
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Session, TransientError, Warehouse

log = logging.getLogger(__name__)

_PATIENCE = 120


@dataclass(frozen=True)
class Why:
    """Who restates, why, and which record of an identity is to win."""

    person: str
    reason: str | None = None
    prefer: Prefer = "first"


def restate_day(
    spark: SparkSession, feed: Feed, day: date, why: Why, engine: Engine | None = None
) -> Restated:
    """Restate a day from the lake.

    Raises:
        RestatementBusy: Another process restates this feed.
        RestatementRefused: The lake lacks records of the day, readings of it expired, or the
            stream never ran; no row was touched.
        LakeError: The lake's table is not one of ours.
    """
    engine = engine or get_engine()
    with open_warehouse(engine).hold(f"restatement {feed.name}") as held:
        if not held:
            message = f"{feed.name}: another process restates it; nothing was done"
            raise RestatementBusy(message)
        begun = time.monotonic()
        finish(engine, feed)
        _require_kept(engine, feed, day)
        cut = read_cut(engine, feed)
        judged = judge_lake(spark, feed, day, cut, engine)
        done = restate_judged(engine, feed, day, judged, cut, why, begun=begun)
        finish(engine, feed)
        return done


def restate_judged(
    engine: Engine,
    feed: Feed,
    day: date,
    judged: pa.Table,
    cut: Cut,
    why: Why,
    *,
    begun: float | None = None,
) -> Restated:
    """Restate a day from records that Spark judged; roll-ups are left to `finish`.

    Args:
        engine: The warehouse.
        feed: The contract.
        day: The day, UTC.
        judged: Every record of the day's partition and `unparsed`, with `topic_id`.
        cut: Batches after it stay as they are.
        why: What is recorded of the reason.
        begun: The monotonic time from which seconds are counted.

    Raises:
        RestatementRefused: As `restate_day`.
        TransientError: The database stayed away.
    """
    records = split_records(judged, feed, cut)
    attempt = _Attempt(open_warehouse(engine), feed, day, cut, why, begun or time.monotonic())
    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(_PATIENCE),
        reraise=True,
    )
    return retrying(lambda: attempt.run(engine, records))


class _Attempt:
    """One restatement, whose transaction may have to be tried again."""

    def __init__(
        self, warehouse: Warehouse, feed: Feed, day: date, cut: Cut, why: Why, begun: float
    ) -> None:
        self._warehouse, self._feed, self._day = warehouse, feed, day
        self._cut, self._why, self._begun = cut, why, begun
        self._number = uuid4().hex
        self._done: Restated | None = None

    def run(self, engine: Engine, records: Records) -> Restated:
        # A commit whose answer was lost is in the record of restatements, or did not happen.
        if self._done is not None and is_recorded(engine, self._number):
            return self._done
        for table in (*list(feed_tables(self._feed))[:2], core.alert):
            self._warehouse.ensure_months(table, [self._day])
        session = self._warehouse.open_session()
        try:
            return self._run(session, records)
        finally:
            session.rollback()
            session.close()

    def _run(self, session: Session, records: Records) -> Restated:
        later: set[tuple[str, datetime]] = set()
        while True:
            memory = load_memory(session, self._feed)
            stored = read_stored(session, self._feed, self._day, self._cut)
            found = compute(
                *(records, self._feed, self._day, memory, stored.readings, self._why.prefer),
                without=later,
            )
            plan = make_plan(found, stored, self._feed, self._day, memory.rules)
            try:
                return self._swap(session, plan, stored, left_over=len(later))
            except LaterArrivals as arrivals:
                session.rollback()
                later |= arrivals.identities

    def _swap(self, session: Session, plan: Plan, stored: Stored, *, left_over: int) -> Restated:
        changes = not plan.is_empty
        batch_no = swap(session, self._feed, self._day, plan, stored) if changes else None
        self._done = Restated.of(
            *(self._number, self._feed, self._day, self._cut, plan, stored, batch_no),
            person=self._why.person,
            reason=self._why.reason,
            prefer=self._why.prefer,
            left_over=left_over,
            seconds=time.monotonic() - self._begun,
        )
        write_record(session, self._done, roll_up_due=changes)
        session.commit()
        log.info("%s", self._done)
        return self._done


def _require_kept(engine: Engine, feed: Feed, day: date) -> None:
    t = core.day_count.c
    query = select(t.expired).where(t.feed == feed.name, t.event_date == day)
    with engine.connect() as connection:
        expired = connection.scalar(query)
    if expired:
        message = (
            f"{feed.name} {day}: not restated, {expired} of its readings expired by the feed's "
            "retention; no row was touched"
        )
        raise RestatementRefused(message)
