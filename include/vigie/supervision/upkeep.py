"""What was last done for each feed beside its stream: account, archive, compaction, refresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from vigie.supervision.rows import newest_of
from vigie.warehouse.core import compaction, lake, quarantine, reconciliation, refresh
from vigie.warehouse.moments import Ago

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Upkeep:
    """Of one feed; times in UTC, None where it was never done.

    `quarantined` counts the messages of the last 24 hours that wait in quarantine; `unaccounted` is
    what the last reconciliation missed, empty if nothing.
    """

    quarantined: int = 0
    accounted_at: datetime | None = None
    unaccounted: str = ""
    archived_at: datetime | None = None
    compacted_at: datetime | None = None


@dataclass(frozen=True)
class Refreshed:
    """The newest refresh of the Power BI dataset; `state` is None while it goes on."""

    asked_at: datetime
    state: str | None
    why: str | None


def read_upkeep(connection: Connection, feeds: Sequence[str]) -> dict[str, Upkeep]:
    """What was done for each feed."""
    if not feeds:
        return {}
    waiting = _quarantined(connection, feeds)
    accounts = _accounts(connection, feeds)
    archived = _latest(connection, feeds, select(lake.c.feed, lake.c.archived_at))
    compacted = select(compaction.c.feed, func.max(compaction.c.compacted_at))
    compactions = _latest(connection, feeds, compacted.group_by(compaction.c.feed))
    return {
        feed: Upkeep(
            quarantined=waiting.get(feed, 0),
            accounted_at=accounts[feed][0] if feed in accounts else None,
            unaccounted=accounts[feed][1] if feed in accounts else "",
            archived_at=archived.get(feed),
            compacted_at=compactions.get(feed),
        )
        for feed in feeds
    }


def last_refresh(connection: Connection) -> Refreshed | None:
    """The refresh that was asked for last."""
    t = refresh.c
    newest = select(t.asked_at, t.state, t.why).order_by(t.asked_at.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return None if row is None else Refreshed(row.asked_at.astimezone(UTC), row.state, row.why)


def _quarantined(connection: Connection, feeds: Sequence[str]) -> dict[str, int]:
    t = quarantine.c
    recent = (t.quarantined_at > Ago(_DAY)) & t.released_at.is_(None)
    counts = select(t.feed, func.count()).where(t.feed.in_(feeds), recent).group_by(t.feed)
    return {feed: int(count) for feed, count in connection.execute(counts)}


def _accounts(connection: Connection, feeds: Sequence[str]) -> dict[str, tuple[datetime, str]]:
    t = reconciliation.c
    newest = newest_of(feeds, t.at)
    is_newest = (t.feed == newest.c.feed) & (t.at == newest.c.newest)
    rows = connection.execute(
        select(t.feed, t.at, t.unaccounted).join_from(newest, reconciliation, is_newest)
    )
    return {row.feed: (row.at.astimezone(UTC), row.unaccounted or "") for row in rows}


def _latest(
    connection: Connection, feeds: Sequence[str], query: Select[Any]
) -> dict[str, datetime]:
    feed = query.selected_columns.feed
    rows = connection.execute(query.where(feed.in_(feeds)))
    return {name: moment.astimezone(UTC) for name, moment in rows if moment is not None}
