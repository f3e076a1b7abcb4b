"""What the warehouse knows of streams at one moment; times are the database's, in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select, union_all

from vigie.supervision.rows import newest_of
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
    changed_by: str | None = None
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
    return read_views(connection, [feed])[feed]


def read_views(connection: Connection, feeds: Sequence[str]) -> dict[str, View]:
    """Read many streams by as many statements as one."""
    if not feeds:
        return {}
    recent = _read_recent(connection, feeds)
    newest = {feed: recent[feed][0].launch if recent[feed] else 0 for feed in feeds}
    return {
        found.feed: View(
            now=found.now,
            desired=found.desired,
            changed_by=found.changed_by,
            changed_at=found.changed_at,
            recent=recent[found.feed],
            beat=_beat(found),
            requested_at=found.requested_at,
            open_gaps=found.open_gaps or 0,
            gap_accepted_at=found.gap_accepted_at,
        )
        for found in connection.execute(_statement(newest))
    }


def _read_recent(connection: Connection, feeds: Sequence[str]) -> dict[str, tuple[Launch, ...]]:
    newest = newest_of(feeds, launch.c.launch)
    columns = [launch.c[name] for name in Launch.__dataclass_fields__]
    # Launches are numbered without holes.
    recent = (launch.c.feed == newest.c.feed) & (launch.c.launch > newest.c.newest - _RECENT)
    statement = select(launch.c.feed, *columns).join_from(newest, launch, recent)
    found: dict[str, list[Launch]] = {feed: [] for feed in feeds}
    for row in connection.execute(statement.order_by(launch.c.launch.desc())):
        found[row.feed].append(Launch(*row[1:]))
    return {feed: tuple(launches) for feed, launches in found.items()}


def _statement(newest: Mapping[str, int]) -> Select[Any]:
    wanted = union_all(
        *(
            select(literal(feed).label("feed"), literal(number).label("newest"))
            for feed, number in newest.items()
        )
    ).subquery()
    gaps = select(
        gap.c.feed,
        (func.count() - func.count(gap.c.accepted_at)).label("open_gaps"),
        func.max(gap.c.accepted_at).label("gap_accepted_at"),
    )
    found = gaps.where(gap.c.feed.in_(newest)).group_by(gap.c.feed).subquery()
    beats = (heartbeat.c.feed == wanted.c.feed) & (heartbeat.c.launch == wanted.c.newest)
    request = launch_request.c
    asked = (request.feed == wanted.c.feed) & (request.launch == wanted.c.newest)
    tables = (
        wanted.outerjoin(found, found.c.feed == wanted.c.feed)
        .outerjoin(stream, stream.c.feed == wanted.c.feed)
        .outerjoin(heartbeat, beats)
        .outerjoin(launch_request, asked)
    )
    return select(
        wanted.c.feed,
        UtcNow().label("now"),
        found.c.open_gaps,
        found.c.gap_accepted_at,
        stream.c.desired,
        stream.c.changed_by,
        stream.c.changed_at,
        request.requested_at,
        *(heartbeat.c[name] for name in Beat.__dataclass_fields__),
    ).select_from(tables)


def _beat(found: Row[Any]) -> Beat | None:
    if found.beat_at is None:
        return None
    return Beat(**{name: getattr(found, name) for name in Beat.__dataclass_fields__})
