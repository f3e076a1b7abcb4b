"""What the warehouse holds of a day up to the cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    Integer,
    Table,
    or_,
    select,
)

from vigie.contract.feed import Feed
from vigie.restatement.coordinates import Coordinates
from vigie.restatement.cut import Cut
from vigie.restatement.whole_day import WholeDay
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Session

_TYPES: dict[type, pa.DataType] = {
    BigInteger: pa.int64(),
    Boolean: pa.bool_(),
    DateTime: pa.timestamp("us", tz="UTC"),
    Double: pa.float64(),
    Integer: pa.int32(),
}


@dataclass(frozen=True)
class Stored:
    """Readings and alerts of batches up to the cut, with all their columns.

    `quarantine` has the messages whose event time lies in the day, or could not be read;
    `whole` is what they are taken from: one day, or None for a replay, which reads no rows.
    """

    readings: pa.Table
    alerts: pa.Table
    quarantine: dict[Coordinates, dict[str, Any]]
    whole: WholeDay | None = None


def day_span(day: date) -> tuple[datetime, datetime]:
    """The day in UTC: begin inclusive, end exclusive."""
    begin = datetime.combine(day, time(), UTC)
    return begin, begin + timedelta(days=1)


def read_stored(session: Session, feed: Feed, day: date, cut: Cut) -> Stored:
    """Read the day; ends the transaction it read in."""
    begin, end = day_span(day)
    reading, a = feed_tables(feed).reading, core.alert.c
    whole = WholeDay(feed, begin, end, cut)
    rules = select(core.rule.c.rule_id).where(core.rule.c.feed == feed.name)
    alerts = select(core.alert).where(
        *(a.rule_id.in_(rules), a.event_time >= begin, a.event_time < end),
        a.batch_no <= cut.batch_no,
    )
    q = core.quarantine.c
    wanted = (
        *(q.topic_id, q.kafka_partition, q.kafka_offset, q.append_time, q.reason, q.detail),
        *(q.event_time, q.batch_no, q.released_at),
    )
    in_day = (q.event_time >= begin) & (q.event_time < end)
    messages = select(*wanted).where(q.feed == feed.name, or_(in_day, q.event_time.is_(None)))
    found = Stored(
        readings=session.read(select(reading).where(*whole.up_to_cut), schema_of(reading)),
        alerts=session.read(alerts, schema_of(core.alert)),
        quarantine={
            (row["topic_id"], row["kafka_partition"], row["kafka_offset"]): row
            for row in session.run(messages)
        },
        whole=whole,
    )
    session.commit()
    return found


def schema_of(table: Table) -> pa.Schema:
    """The Arrow types of a fact table's columns."""
    return pa.schema([(column.name, _TYPES[type(column.type)]) for column in table.columns])
