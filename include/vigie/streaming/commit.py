"""One batch, one transaction: all of it is stored, or nothing.

Fence, ledger, sensors, readings, panes, alerts, predictions, quarantine, days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import update

from vigie.contract.feed import Feed
from vigie.errors import Superseded
from vigie.streaming.copies import IDENTITY, Repeats, find_repeats
from vigie.streaming.episodes import follow_episodes
from vigie.streaming.memory import Memory, number_sensors
from vigie.streaming.panes import pane_merges, summarise
from vigie.streaming.rows import (
    alert_rows,
    clock_rows,
    conflict_rows,
    day_rows,
    ledger_rows,
    quarantine_rows,
    reading_rows,
)
from vigie.streaming.score import Scorer
from vigie.streaming.split import Split
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables, value_columns
from vigie.warehouse.ledger import OffsetRange, require_contiguous
from vigie.warehouse.session import Session


@dataclass(frozen=True)
class Fence:
    """What lets one driver write: its launch number and the token it claimed it with."""

    launch: int
    token: str


@dataclass(frozen=True)
class Batch:
    """A batch ready to be stored: planned ranges, rows read per partition, the split rows."""

    ranges: Sequence[OffsetRange]
    read: dict[int, int]
    split: Split


BeforeCommit = Callable[[Session, pa.Table, str], None]
"""Called with the readings that are stored and their topic id, as the last step before commit."""


def commit_batch(
    session: Session,
    feed: Feed,
    fence: Fence,
    batch: Batch,
    memory: Memory,
    *,
    careful: bool,
    scorer: Scorer | None = None,
    before_commit: BeforeCommit | None = None,
) -> int:
    """Store a batch in one transaction and return its number.

    Args:
        session: A session outside a transaction.
        feed: The contract.
        fence: This driver's right to write.
        batch: What to store.
        memory: Changed only after the commit.
        careful: Look up every reading's identity, not only those that are not newer than their
            sensor's last event time.
        scorer: Scores what is stored, where the contract has a model for the stream.
        before_commit: What else keeps the stored readings; if it fails, nothing is stored.

    Raises:
        Superseded: A newer launch holds the fence; nothing was written.
        LedgerConflict: The ranges do not continue the ledger; nothing was written.
        DuplicateKeyError: Last event times misled; the batch must be repeated carefully.
        TransientError: May be retried once the ledger says that nothing was stored.
    """
    batch_no = _pass_fence(session, feed, fence)
    require_contiguous(session, feed.name, batch.ranges)
    accepted = batch.split.accepted
    ids, new_sensors = number_sensors(session, feed, accepted["sensor"], memory.sensors)
    rows = reading_rows(accepted, ids, feed, memory.statuses, batch_no)
    repeats = _repeats(session, feed, rows, memory, careful=careful)
    stored = rows if repeats.fresh.size == rows.num_rows else rows.take(repeats.fresh)
    quarantined = pa.concat_tables(
        [batch.split.quarantined, conflict_rows(accepted.take(repeats.conflicts), [*feed.fields])],
        promote_options="permissive",
    )
    topic_id = batch.ranges[0].topic_id
    counts = ledger_rows(feed, fence.launch, batch_no, batch.ranges, batch.read, rows, repeats)
    scored = scorer.score(session, stored, memory) if scorer else None
    tables = feed_tables(feed)
    columns = [column.name for column in tables.reading.columns]
    if careful:
        _remove_orphans(session, feed, stored)
    session.append(core.ledger, counts)
    session.append(tables.reading, stored.select(columns))
    session.upsert(tables.pane, summarise(stored, feed), pane_merges(feed))
    session.append(core.alert, alert_rows(stored, feed, memory.rules))
    episodes = follow_episodes(stored, feed, memory)
    episodes.write(session)
    if scored is not None and tables.prediction is not None:
        session.append(tables.prediction, scored.rows)
    session.append(core.quarantine, quarantine_rows(quarantined, feed, topic_id, batch_no))
    clocks = clock_rows(stored, feed)
    session.upsert(core.sensor_clock, clocks, {"last_event_time": "max"})
    session.upsert(core.day_count, day_rows(stored, feed), {"stored": "sum"})
    if before_commit is not None:
        before_commit(session, stored, topic_id)
    session.commit()
    memory.sensors |= new_sensors
    times = clocks["last_event_time"].cast(pa.int64()).to_numpy()
    memory.advance(clocks["sensor_id"].to_numpy(), times)
    episodes.remember(memory)
    if scored is not None:
        scored.remember(memory)
    return batch_no


def _pass_fence(session: Session, feed: Feed, fence: Fence) -> int:
    """Lock the fence row and take the next batch number.

    Raises:
        Superseded: The row holds another launch or token.
    """
    t = core.fence.c
    rows = session.run(
        update(core.fence)
        .where(t.feed == feed.name, t.launch == fence.launch, t.token == fence.token)
        .values(batch_no=t.batch_no + 1)
        .returning(t.batch_no)
    )
    if not rows:
        message = f"{feed.name}: launch {fence.launch} no longer holds the fence; nothing written"
        raise Superseded(message)
    return int(rows[0]["batch_no"])


def _repeats(
    session: Session, feed: Feed, rows: pa.Table, memory: Memory, *, careful: bool
) -> Repeats:
    times = rows["event_time"].cast(pa.int64()).to_numpy()
    known = times <= memory.last_times(rows["sensor_id"].to_numpy())
    if careful:
        known[:] = True
    values = value_columns(feed)
    suspects = np.flatnonzero(known)
    numbers, same = pa.array([], pa.int64()), pa.array([], pa.bool_())
    if suspects.size:
        table = feed_tables(feed).reading
        found, same = session.find_stored(table, rows.take(suspects), values)
        numbers = pc.take(pa.array(suspects), found)
    return find_repeats(rows, values, stored=(numbers, same))


def _remove_orphans(session: Session, feed: Feed, stored: pa.Table) -> None:
    """Whoever removed a reading behind our back may have left its alerts and prediction."""
    identities = stored.select(list(IDENTITY))
    session.remove(core.alert, identities)
    prediction = feed_tables(feed).prediction
    if prediction is not None:
        session.remove(prediction, identities)
