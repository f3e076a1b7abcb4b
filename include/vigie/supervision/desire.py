"""What people ask of a stream: running or stopped, a restart, a gap accepted.

Each function writes who asked into `ops.stream_event`, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Update, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from vigie.supervision.events import record_event
from vigie.supervision.rows import insert_unless
from vigie.warehouse.core import gap, launch, launch_request, stream
from vigie.warehouse.types import UtcNow

Desired = Literal["running", "stopped"]
_KIND = {"running": "start", "stopped": "stop"}


@dataclass(frozen=True)
class Gap:
    """Offsets [begin, end) that the ledger can never have."""

    topic_id: str
    kafka_partition: int
    begin_offset: int
    end_offset: int
    reason: str
    found_at: datetime

    def __str__(self) -> str:
        span = f"offsets {self.begin_offset} to {self.end_offset - 1}"
        return f"partition {self.kafka_partition}, {span}: {self.reason}"


def set_desired(engine: Engine, feed: str, desired: Desired, *, person: str) -> bool:
    """Set the one switch of a stream; false if it stood there already."""
    if _insert_desired(engine, feed, desired, person=person):
        return True
    values = {"desired": desired, "changed_by": person, "changed_at": UtcNow()}
    changed = update(stream).where(stream.c.feed == feed, stream.c.desired != desired)
    with engine.begin() as connection:
        done = connection.execute(changed.values(values)).rowcount == 1
        if done:
            record_event(connection, feed=feed, kind=_KIND[desired], person=person)
    return done


def start_if_new(engine: Engine, feed: str, *, person: str) -> bool:
    """Set a feed that was never started to running; false if it has a switch already."""
    return _insert_desired(engine, feed, "running", person=person)


def request_restart(engine: Engine, feed: str, number: int, *, person: str) -> bool:
    """Ask for a graceful restart of launch `number`; false if it was asked already.

    It is honoured once: a newer launch does not see it.
    """
    row = {"feed": feed, "launch": number, "kind": "restart", "requested_by": person}
    try:
        with engine.begin() as connection:
            connection.execute(insert(launch_request).values(row))
            detail = f"launch {number}"
            record_event(connection, feed=feed, kind="restart", person=person, detail=detail)
    except IntegrityError:
        return False
    return True


def newest_launch(engine: Engine, feed: str) -> int | None:
    """The number of a feed's newest launch."""
    with engine.connect() as connection:
        number: int | None = connection.scalar(
            select(func.max(launch.c.launch)).where(launch.c.feed == feed)
        )
    return number


def open_gaps(connection: Connection, feed: str) -> list[Gap]:
    """The gaps of a feed that nobody has accepted."""
    return open_gaps_of(connection, [feed])[feed]


def open_gaps_of(connection: Connection, feeds: Sequence[str]) -> dict[str, list[Gap]]:
    """The same of many feeds."""
    columns = [gap.c[name] for name in Gap.__dataclass_fields__]
    found = select(gap.c.feed, *columns).where(gap.c.feed.in_(feeds), gap.c.accepted_at.is_(None))
    ordered = found.order_by(gap.c.kafka_partition, gap.c.begin_offset)
    gaps: dict[str, list[Gap]] = {feed: [] for feed in feeds}
    for row in connection.execute(ordered):
        gaps[row.feed].append(Gap(*row[1:]))
    return gaps


def accept_gaps(engine: Engine, feed: str, gaps: list[Gap], *, person: str) -> None:
    """Accept exactly these gaps; the ledger goes on behind them and the stream is relaunched."""
    with engine.begin() as connection:
        for found in gaps:
            connection.execute(_accepted(feed, found, person))
            record_event(connection, feed=feed, kind="resume", person=person, detail=str(found))


def _accepted(feed: str, found: Gap, person: str) -> Update:
    key = {name: getattr(found, name) for name in ("topic_id", "kafka_partition", "begin_offset")}
    matches = [gap.c[name] == value for name, value in key.items()]
    values: dict[str, Any] = {"accepted_by": person, "accepted_at": UtcNow()}
    return (
        update(gap).where(gap.c.feed == feed, gap.c.accepted_at.is_(None), *matches).values(values)
    )


def _insert_desired(engine: Engine, feed: str, desired: Desired, *, person: str) -> bool:
    row = {"feed": feed, "desired": desired, "changed_by": person}
    try:
        with engine.begin() as connection:
            done = insert_unless(connection, stream, row, found=stream.c.feed == feed)
            if done:
                record_event(connection, feed=feed, kind=_KIND[desired], person=person)
    except IntegrityError:
        return False
    return done
