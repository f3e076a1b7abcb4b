"""One transaction under the fence: readers see the old day or the new one, the stream waits once.

It locks the fence row as a batch does, so no batch is in hand, and takes the next number of the
stream's sequence; launch and token stay the driver's.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, Table, select, update
from sqlalchemy.exc import IntegrityError

from vigie.contract.feed import Feed
from vigie.errors import RestatementRefused
from vigie.restatement.differences import Integers
from vigie.restatement.plan import Plan
from vigie.restatement.stored import Stored
from vigie.streaming.copies import IDENTITY
from vigie.streaming.launch import record_session
from vigie.streaming.memory import number_sensors
from vigie.streaming.panes import pane_merges, summarise
from vigie.streaming.rows import clock_rows, quarantine_rows
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables, value_columns
from vigie.warehouse.session import Merge, Session
from vigie.warehouse.types import UtcNow
from vigie.warehouse.unscored import Unscored

_ROWS_PER_UPDATE = 1000
_TOLD: dict[str, Merge] = dict.fromkeys(
    (
        *("reason", "detail", "sensor", "event_time", "raw", "raw_length", "raw_sha256"),
        *("batch_no", "released_at"),
    ),
    "replace",
)


class LaterArrivals(Exception):
    """Batches after the cut stored readings that the plan would bring; it must be made anew.

    Args:
        identities: Sensor and event time of each.
    """

    def __init__(self, identities: set[tuple[str, datetime]]) -> None:
        super().__init__(f"{len(identities)} readings arrived after the cut")
        self.identities = identities


def swap(engine: Engine, session: Session, feed: Feed, plan: Plan, stored: Stored) -> int:
    """Apply the differences in the session's transaction, which the caller commits.

    Returns:
        The batch number the restated rows have.

    Raises:
        LaterArrivals: See there; nothing may be committed.
        RestatementRefused: Rows up to the cut changed since they were read.
    """
    batch_no = _lock_fence(engine, session, feed)
    tables = feed_tables(feed)
    came = _numbered(session, feed, _put(plan.computed, batch_no, plan.readings.came))
    _refuse_later(session, feed, came)
    changed = _put(plan.computed, batch_no, plan.readings.new)
    gone = stored.readings.take(np.concatenate([plan.readings.went, plan.readings.old]))
    whole = stored.whole if gone.num_rows == stored.readings.num_rows else None
    if whole is None:
        removed = session.remove(tables.reading, gone.select([*IDENTITY, "batch_no"]))
    else:
        removed = whole.remove_readings(session)
    _require_unchanged(feed, tables.reading, gone, removed)
    fresh = pa.concat_tables([came, changed])
    panes_done = whole is not None and whole.replace_panes(session, fresh)
    session.append(tables.reading, fresh.select([c.name for c in tables.reading.columns]))
    touched = [fresh.select(list(IDENTITY)), gone.select(list(IDENTITY))]
    if tables.prediction is not None:
        _unscore(session, tables.prediction, fresh, pa.concat_tables(touched))
    touched += [_swap_alerts(session, feed, plan, stored, came, batch_no)]
    if stored.whole is None:
        # A replay only adds readings, which are merged into their panes as the stream's are.
        session.upsert(tables.pane, summarise(fresh, feed), pane_merges(feed))
    elif not panes_done:
        session.recompute_panes(feed, _days(pa.concat_tables(touched)))
    _quarantine(session, feed, plan, batch_no)
    session.upsert(core.sensor_clock, clock_rows(fresh, feed), {"last_event_time": "max"})
    _count(session, feed, plan)
    return batch_no


def _lock_fence(engine: Engine, session: Session, feed: Feed) -> int:
    """Lock the row, as a session of its launch: what freezes with it is ended like that's driver.

    No timeout fires on a client frozen inside COPY, and every later launch would wait for it.
    """
    t = core.fence.c
    raised = update(core.fence).where(t.feed == feed.name).values(batch_no=t.batch_no + 1)
    row = session.run(raised.returning(t.launch, t.batch_no))[0]
    # It is noted already where later arrivals made a new plan necessary.
    with suppress(IntegrityError):
        record_session(engine, feed.name, row["launch"], session.identify())
    return int(row["batch_no"])


def _put(rows: pa.Table, batch_no: int, which: Integers) -> pa.Table:
    """Some rows with the batch number of the restatement."""
    taken = rows.take(which)
    place = taken.column_names.index("batch_no")
    return taken.set_column(
        place, "batch_no", pa.repeat(pa.scalar(batch_no, pa.int64()), len(taken))
    )


def _numbered(session: Session, feed: Feed, rows: pa.Table) -> pa.Table:
    """Rows with the numbers of sensors that had none when they were computed."""
    new = pc.less(rows["sensor_id"], 0)
    names = pc.unique(rows.filter(new)["sensor"])
    if not len(names):
        return rows
    t = core.sensor.c
    query = select(t.sensor, t.sensor_id).where(t.feed == feed.name)
    # The stream may have met them meanwhile.
    known = {row["sensor"]: row["sensor_id"] for row in session.run(query)}
    ids, _ = number_sensors(session, feed, rows["sensor"], known)
    return rows.set_column(rows.column_names.index("sensor_id"), "sensor_id", ids)


def _refuse_later(session: Session, feed: Feed, came: pa.Table) -> None:
    if not came.num_rows:
        return
    numbers, _ = session.find_stored(feed_tables(feed).reading, came, value_columns(feed))
    if len(numbers):
        held = came.take(numbers).select(["sensor", "event_time"]).to_pydict()
        raise LaterArrivals(set(zip(held["sensor"], held["event_time"], strict=True)))


def _require_unchanged(feed: Feed, table: Table, rows: pa.Table, removed: int) -> None:
    if removed != rows.num_rows:
        message = (
            f"{feed.name}: of {rows.num_rows} rows of {table.fullname} {removed} were found: they "
            "changed since they were read; no row was touched. Run it again"
        )
        raise RestatementRefused(message)


def _unscore(session: Session, predictions: Table, fresh: pa.Table, touched: pa.Table) -> None:
    """What was said of a reading that came, went or changed was said of another."""
    session.remove(predictions, touched.group_by(list(IDENTITY)).aggregate([]))
    rows = fresh.select([*IDENTITY, "batch_no"])
    why = pa.repeat(pa.scalar(Unscored.RESTATED.value, pa.int16()), rows.num_rows)
    session.append(predictions, rows.append_column("reason", why))


def _swap_alerts(
    session: Session, feed: Feed, plan: Plan, stored: Stored, came: pa.Table, batch_no: int
) -> pa.Table:
    """Returns the readings whose alerts changed."""
    found, rows = plan.alerts, plan.alert_rows
    gone = stored.alerts.take(np.concatenate([found.went, found.old]))
    removed = session.remove(core.alert, gone.select(["rule_id", *IDENTITY, "batch_no"]))
    _require_unchanged(feed, core.alert, gone, removed)
    fresh = _put(rows, batch_no, np.concatenate([found.came, found.new]))
    fresh = _final_sensors(fresh, plan.computed, came)
    session.append(core.alert, fresh)
    return pa.concat_tables([fresh.select(list(IDENTITY)), gone.select(list(IDENTITY))])


def _final_sensors(alerts: pa.Table, computed: pa.Table, came: pa.Table) -> pa.Table:
    """Alerts of sensors that got their number only in this transaction."""
    if not pc.any(pc.less(alerts["sensor_id"], 0)).as_py():
        return alerts
    numbers = dict(zip(came["sensor"].to_pylist(), came["sensor_id"].to_pylist(), strict=True))
    new = computed.filter(pc.less(computed["sensor_id"], 0)).select(["sensor_id", "sensor"])
    final = {
        provisional: numbers[name]
        for provisional, name in zip(*(new[n].to_pylist() for n in new.column_names), strict=True)
    }
    ids = pa.array([final.get(i, i) for i in alerts["sensor_id"].to_pylist()], pa.int32())
    return alerts.set_column(alerts.column_names.index("sensor_id"), "sensor_id", ids)


def _days(touched: pa.Table) -> pa.Table:
    """The days of sensors with a reading that changed."""
    midnight = pc.floor_temporal(touched["event_time"], unit="day")
    days = {"sensor_id": touched["sensor_id"], "pane_start": midnight}
    return pa.table(days).group_by(["sensor_id", "pane_start"]).aggregate([])


def _quarantine(session: Session, feed: Feed, plan: Plan, batch_no: int) -> None:
    topics = plan.quarantined["topic_id"]
    told = [
        quarantine_rows(_of_topic(plan.quarantined, topic_id), feed, topic_id, batch_no)
        for topic_id in pc.unique(topics).to_pylist()
    ]
    if told:
        rows = pa.concat_tables(told)
        never = pa.nulls(rows.num_rows, pa.timestamp("us", tz="UTC"))
        session.upsert(core.quarantine, rows.append_column("released_at", never), _TOLD)
    places: dict[tuple[str, int], list[int]] = {}
    for topic_id, part, offset in plan.released:
        places.setdefault((topic_id, part), []).append(offset)
    for place, offsets in places.items():
        for start in range(0, len(offsets), _ROWS_PER_UPDATE):
            _release(session, feed, place, offsets[start : start + _ROWS_PER_UPDATE])


def _of_topic(rows: pa.Table, topic_id: str) -> pa.Table:
    return rows.filter(pc.equal(rows["topic_id"], topic_id)).drop_columns(["topic_id"])


def _release(session: Session, feed: Feed, place: tuple[str, int], offsets: list[int]) -> None:
    t = core.quarantine.c
    session.run(
        update(core.quarantine)
        .where(t.feed == feed.name, t.topic_id == place[0], t.kafka_partition == place[1])
        .where(t.kafka_offset.in_(offsets))
        .values(released_at=UtcNow())
    )


def _count(session: Session, feed: Feed, plan: Plan) -> None:
    parts = sorted(plan.per_partition.keys() | plan.new_messages.keys())
    numbers = {
        "readings": [plan.per_partition.get(part, 0) for part in parts],
        "quarantined": [plan.new_messages.get(part, 0) for part in parts],
    }
    columns = {name: pa.array(values, pa.int64()) for name, values in numbers.items()}
    rows = pa.table(
        {
            "feed": pa.array([feed.name] * len(parts), pa.string()),
            "kafka_partition": pa.array(parts, pa.int32()),
            **columns,
        }
    )
    session.upsert(core.restated, rows, dict.fromkeys(numbers, "sum"))
    days = [
        {"feed": feed.name, "event_date": day, "stored": 0, "restated": count, "expired": 0}
        for day, count in plan.per_day.items()
        if count
    ]
    if days:
        session.upsert(core.day_count, pa.Table.from_pylist(days), {"restated": "sum"})
