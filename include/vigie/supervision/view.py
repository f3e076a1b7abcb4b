"""What the warehouse knows of one stream at one moment; times are the database's, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select, true

from vigie.warehouse.core import gap, heartbeat, launch, launch_request, stream
from vigie.warehouse.types import UtcNow

# More than the launches after which the pause between them grows no further.
_RECENT = 12


@dataclass(frozen=True)
class Launch:
    """One start of a driver, without its error."""

    launch: int
    created_at: datetime
    contract_hash: str
    code_version: str
    submission_id: str | None = None
    submitted_at: datetime | None = None
    claimed_at: datetime | None = None
    first_commit_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Beat:
    """The last heartbeat; the lag is None while the broker is silent.

    `model` is which version predicts, and what is wrong with it; None where the feed has no model.
    """

    beat_at: datetime
    phase: str
    progress: int
    progress_at: datetime
    lag_messages: int | None
    lag_seconds: float | None
    model: str | None = None


@dataclass(frozen=True)
class View:
    """A stream's rows as one transaction saw them; `recent` launches are newest first."""

    now: datetime
    desired: str | None = None
    changed_at: datetime | None = None
    recent: tuple[Launch, ...] = ()
    beat: Beat | None = None
    requested_at: datetime | None = None
    open_gaps: int = 0
    gap_accepted_at: datetime | None = None

    @property
    def launch(self) -> Launch | None:
        """The newest launch."""
        return self.recent[0] if self.recent else None


def read_view(connection: Connection, feed: str) -> View:
    """Read a stream; `beat` and `requested_at` are those of the newest launch only."""
    recent = _read_recent(connection, feed)
    newest = recent[0].launch if recent else 0
    found = connection.execute(_statement(feed, newest)).one()
    return View(
        now=found.now,
        desired=found.desired,
        changed_at=found.changed_at,
        recent=recent,
        beat=_beat(found),
        requested_at=found.requested_at,
        open_gaps=found.open_gaps,
        gap_accepted_at=found.gap_accepted_at,
    )


def _read_recent(connection: Connection, feed: str) -> tuple[Launch, ...]:
    columns = [launch.c[name] for name in Launch.__dataclass_fields__]
    statement = select(*columns).where(launch.c.feed == feed)
    rows = connection.execute(statement.order_by(launch.c.launch.desc()).limit(_RECENT))
    return tuple(Launch(**row._mapping) for row in rows)


def _statement(feed: str, newest: int) -> Select[Any]:
    one = select(literal(feed).label("feed"), UtcNow().label("now")).subquery()
    gaps = select(
        (func.count() - func.count(gap.c.accepted_at)).label("open_gaps"),
        func.max(gap.c.accepted_at).label("gap_accepted_at"),
    )
    found = gaps.where(gap.c.feed == feed).subquery()
    of_newest = heartbeat.c.launch == newest
    asked = (launch_request.c.feed == one.c.feed) & (launch_request.c.launch == newest)
    tables = (
        one.join(found, true())
        .outerjoin(stream, stream.c.feed == one.c.feed)
        .outerjoin(heartbeat, (heartbeat.c.feed == one.c.feed) & of_newest)
        .outerjoin(launch_request, asked)
    )
    return select(
        one.c.now,
        found,
        stream.c.desired,
        stream.c.changed_at,
        launch_request.c.requested_at,
        *(heartbeat.c[name] for name in Beat.__dataclass_fields__),
    ).select_from(tables)


def _beat(found: Row[Any]) -> Beat | None:
    if found.beat_at is None:
        return None
    return Beat(**{name: getattr(found, name) for name in Beat.__dataclass_fields__})
