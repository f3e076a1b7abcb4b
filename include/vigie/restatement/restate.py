"""Recompute one day of one feed from the lake and swap what differs, while the stream runs on.

ledger ─ cut ─▶ archive up to it ─▶ lake: the day and `unparsed` ─ judge, split ─▶ computed
                                                  warehouse up to the cut ────────▶ stored
computed and stored ─ plan ─▶ one transaction under the fence ─▶ roll-ups
"""

from __future__ import annotations

import logging
import time
from datetime import date, datetime
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select

from vigie.contract.feed import Feed
from vigie.errors import RestatementRefused
from vigie.restatement.attempt import commit_once
from vigie.restatement.compute import compute
from vigie.restatement.cut import Cut, read_cut
from vigie.restatement.follow_up import finish, finish_earlier
from vigie.restatement.plan import Plan, make_plan
from vigie.restatement.record import Restated, Why, write_record
from vigie.restatement.source import Records, judge_lake, split_records
from vigie.restatement.stored import Stored, read_stored
from vigie.restatement.swap import LaterArrivals, swap
from vigie.restatement.turn import months_of, turn
from vigie.streaming.memory import load_memory
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.months import make_months
from vigie.warehouse.session import Session

log = logging.getLogger(__name__)


def restate_day(
    spark: SparkSession, feed: Feed, day: date, why: Why, engine: Engine | None = None
) -> Restated:
    """Restate a day from the lake.

    Raises:
        RestatementBusy: Another process restates this feed, or compacts the month.
        DocumentsAway: All is stored, but the documents wait for the next restatement.
        RestatementRefused: The lake lacks records of the day, readings of it expired, or the
            stream never ran; no row was touched.
        LakeError: The lake's table is not one of ours.
    """
    engine = engine or get_engine()
    with turn(engine, feed), months_of(engine, feed, [day]):
        begun = time.monotonic()
        finish_earlier(engine, feed)
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
    restating = _Restating(engine, feed, day, cut, why, begun or time.monotonic())
    make_months(open_warehouse(engine), feed, [day])
    done = commit_once(engine, restating.number, lambda session: restating.run(session, records))
    log.info("%s", done)
    return done


class _Restating:
    """One restatement up to its commit."""

    def __init__(
        self, engine: Engine, feed: Feed, day: date, cut: Cut, why: Why, begun: float
    ) -> None:
        self._engine = engine
        self._feed, self._day, self._cut, self._why, self._begun = feed, day, cut, why, begun
        self.number = uuid4().hex

    def run(self, session: Session, records: Records) -> Restated:
        """Write everything in the session's transaction."""
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
        batch_no = swap(self._engine, session, self._feed, plan, stored) if changes else None
        done = Restated.of(
            *(self.number, self._feed, self._day, self._cut, plan, stored, batch_no),
            person=self._why.person,
            reason=self._why.reason,
            prefer=self._why.prefer,
            left_over=left_over,
            seconds=time.monotonic() - self._begun,
        )
        write_record(session, done, roll_up_due=changes)
        return done


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
