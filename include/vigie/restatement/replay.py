"""Judge messages of the quarantine again with the contract of now, and release those that pass.

quarantine ─ judge, split ─▶ accepted and failed ─ plan ─▶ one transaction under the fence

A replayed message is a reading committed now: it never displaces one that is stored. The rest of
its way is that of a restatement: swap, record, and what follows a commit.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select

from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway
from vigie.restatement.attempt import commit_once
from vigie.restatement.compute import Computed
from vigie.restatement.coordinates import coordinates
from vigie.restatement.cut import Cut, read_cut
from vigie.restatement.differences import Differences
from vigie.restatement.follow_up import finish, finish_earlier
from vigie.restatement.plan import Plan, to_quarantine
from vigie.restatement.preference import preferred_rows
from vigie.restatement.record import Why, write_record
from vigie.restatement.replayed import Replayed, dates, records_of, sums_before
from vigie.restatement.source import Records, split_records
from vigie.restatement.stored import Stored, schema_of
from vigie.restatement.swap import LaterArrivals, swap
from vigie.restatement.turn import months_of, turn
from vigie.restatement.waiting import Chosen, Page, count_left, pages
from vigie.streaming.assemble import judge
from vigie.streaming.copies import find_repeats
from vigie.streaming.memory import load_memory
from vigie.streaming.rows import alert_rows, day_rows
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables, value_columns
from vigie.warehouse.months import make_months
from vigie.warehouse.session import Session

MOST = 50_000
"""Messages in one transaction."""


def replay_quarantine(
    spark: SparkSession,
    feed: Feed,
    chosen: Chosen,
    why: Why,
    *,
    dry_run: bool = False,
    most: int = MOST,
    engine: Engine | None = None,
) -> Replayed:
    """Replay the chosen messages; a dry run says what would become of them and writes nothing.

    Raises:
        RestatementBusy: Another process restates or replays this feed.
        RestatementRefused: The stream never ran.
        TransientError: The database stayed away; transactions before this one are kept.
    """
    engine = engine or get_engine()
    with turn(engine, feed):
        if not dry_run:
            finish_earlier(engine, feed)
        cut = read_cut(engine, feed)
        left = count_left(engine, feed, chosen, cut)
        total = Replayed(feed.name, cut=left.cut, without_bytes=left.without_bytes)
        reader = open_warehouse(engine).open_session()
        try:
            for page in pages(reader, feed, chosen, cut, most):
                records = spark.createDataFrame(page.records())
                judged = judge(records, feed, carry=("topic_id",)).toArrow()
                total += replay_judged(engine, feed, page, judged, cut, why, dry_run=dry_run)
        finally:
            reader.close()
        return total if dry_run else _finish(engine, feed, total)


def _finish(engine: Engine, feed: Feed, done: Replayed) -> Replayed:
    try:
        finish(engine, feed)
    except DocumentsAway as error:
        return replace(done, unfinished=str(error))
    return done


def replay_judged(
    engine: Engine,
    feed: Feed,
    page: Page,
    judged: pa.Table,
    cut: Cut,
    why: Why,
    *,
    dry_run: bool = False,
) -> Replayed:
    """Replay messages that Spark judged, in one transaction; `finish` does what follows it."""
    found = split_records(judged, feed, cut)
    with months_of(engine, feed, dates(found.accepted)):
        kept = _of_days_kept(engine, feed, found.accepted)
        records = Records(kept, found.failed)
        expired = found.accepted.num_rows - kept.num_rows
        if not dry_run:
            make_months(open_warehouse(engine), feed, dates(kept))
        replaying = _Replaying(engine, feed, page, records, cut, why)
        done = commit_once(engine, replaying.number, partial(replaying.run, dry_run=dry_run))
    return done + Replayed(feed.name, expired=expired)


class _Replaying:
    """One page of a replay up to its commit."""

    def __init__(
        self, engine: Engine, feed: Feed, page: Page, records: Records, cut: Cut, why: Why
    ) -> None:
        self._engine, self._feed, self._page = engine, feed, page
        self._records, self._cut, self._why = records, cut, why
        self.number = uuid4().hex

    def run(self, session: Session, *, dry_run: bool) -> Replayed:
        """Write everything in the session's transaction."""
        begun = time.monotonic()
        while True:
            found, plan = self._plan(session)
            done = Replayed.of(self._feed, found, plan)
            if dry_run or plan.is_empty:
                return done
            sums = sums_before(self._engine, self._feed, plan.per_day, self._cut)
            try:
                batch_no = swap(self._engine, session, self._feed, plan, self._nothing_stored())
            except LaterArrivals:
                # The stream stored one of these identities meanwhile: now it is found.
                session.rollback()
                continue
            told = (self.number, self._feed, found, plan, sums, self._why, self._cut, batch_no)
            for row in records_of(*told, seconds=time.monotonic() - begun):
                write_record(session, row, roll_up_due=bool(row.came))
            return done

    def _plan(self, session: Session) -> tuple[Computed, Plan]:
        feed, stored = self._feed, self._nothing_stored()
        memory = load_memory(session, feed)
        rows = preferred_rows(self._records.accepted, feed, memory, stored.readings, "first")
        values = value_columns(feed)
        held = session.find_stored(feed_tables(feed).reading, rows, values)
        session.commit()
        found = Computed(rows, find_repeats(rows, values, stored=held), self._records.failed)
        return found, _make_plan(found, feed, memory.rules, self._page, stored)

    def _nothing_stored(self) -> Stored:
        reading = feed_tables(self._feed).reading
        readings, alerts = (schema_of(table).empty_table() for table in (reading, core.alert))
        return Stored(readings, alerts, self._page.quarantine())


def _make_plan(
    found: Computed, feed: Feed, rules: dict[str, int], page: Page, stored: Stored
) -> Plan:
    """All that the replay writes: what is stored comes, nothing goes and nothing changes."""
    winners = found.winners
    alerts = alert_rows(winners, feed, rules) if feed.alerts else stored.alerts
    conflicts = found.rows.take(found.repeats.conflicts)
    quarantined, _ = to_quarantine(found.failed, conflicts, feed, stored.quarantine)
    passed = np.concatenate([found.repeats.fresh, found.repeats.copies])
    parts = pc.value_counts(winners["kafka_partition"].combine_chunks()).to_pylist()
    days = day_rows(winners, feed).select(["event_date", "stored"]).to_pylist()
    return Plan(
        computed=winners,
        readings=_all_come(winners),
        alerts=_all_come(alerts),
        alert_rows=alerts,
        quarantined=page.with_bytes(quarantined),
        released=coordinates(found.rows.take(passed)),
        per_partition={part["values"]: part["counts"] for part in parts},
        per_day={day["event_date"]: day["stored"] for day in days},
        new_messages={},
    )


def _all_come(rows: pa.Table) -> Differences:
    none = np.array([], np.int64)
    return Differences(np.arange(rows.num_rows, dtype=np.int64), none, none, none)


def _of_days_kept(engine: Engine, feed: Feed, accepted: pa.Table) -> pa.Table:
    """Without readings of days of which some expired already."""
    t = core.day_count.c
    query = select(t.event_date).where(t.feed == feed.name, t.expired > 0)
    with engine.connect() as connection:
        expired = set(connection.scalars(query))
    return accepted.filter(pa.array([day not in expired for day in dates(accepted)], pa.bool_()))
