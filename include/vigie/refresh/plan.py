"""Which refreshes to ask for: one by the policy, and one of the older days that were restated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from vigie.contract.feed import Feed
from vigie.powerbi.facts import hourly_name, said_name
from vigie.refresh.partitions import first_read_again, partition_names

EVER, NEVER = date(1, 1, 1), date(9999, 12, 31)
STANDARD = {"notifyOption": "NoNotification"}
"""All that a workspace on shared capacity takes: a refresh by the policy, without details."""


@dataclass(frozen=True)
class Wanted:
    """A refresh to ask for: its body, and the event dates it reads again, both included."""

    body: Mapping[str, Any]
    first_day: date
    last_day: date
    partitions: bool = False

    def reach(self, until: datetime) -> dict[str, Any]:
        """What `ops.refresh` keeps of it, as JSON; restatements up to `until` are in it."""
        days = {"first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}
        return {**days, "covers_until": until.isoformat(), "partitions": self.partitions}


@dataclass(frozen=True)
class Due:
    """A day of a feed that was restated since a refresh last read it."""

    feed: str
    day: date


def plan(
    due: Iterable[Due],
    feeds: Mapping[str, Feed],
    today: date,
    *,
    enhanced: bool,
    whole_tables: bool = False,
) -> list[Wanted]:
    """One refresh by the policy, then one of the older days that are due, where that can be.

    Args:
        due: What was restated.
        feeds: The contracts, by name.
        today: The day, UTC.
        enhanced: Whether the workspace takes enhanced refreshes (Premium, per user, Embedded).
        whole_tables: Read whole tables instead of the partitions of the days.
    """
    begin = first_read_again(today)
    if not enhanced:
        return [Wanted(STANDARD, begin, NEVER)]
    asked = [Wanted({"type": "full", "commitMode": "transactional"}, begin, NEVER)]
    older: dict[str, set[date]] = defaultdict(set)
    for one in due:
        if one.feed in feeds and one.day < begin:
            older[one.feed].add(one.day)
    if older:
        names = {
            table: [] if whole_tables else partition_names(days, today)
            for feed, days in sorted(older.items())
            for table in tables(feeds[feed])
        }
        asked.append(Wanted(_objects(names), EVER, begin - timedelta(days=1), partitions=True))
    return asked


def is_fresh(last: datetime | None, due: Iterable[Due], now: datetime, gap: timedelta) -> bool:
    """Whether the last refresh by the policy lies back less than `gap` and misses no due day."""
    begin = first_read_again(now.date())
    if last is None or any(one.day >= begin for one in due):
        return False
    return now - last < gap


def tables(feed: Feed) -> list[str]:
    """The tables of the semantic model that keep a feed's past days: hours, and a model's words."""
    return [hourly_name(feed)] + ([said_name(feed.model)] if feed.model else [])


def _objects(names: Mapping[str, list[str]]) -> dict[str, Any]:
    objects = [
        {"table": table, "partition": name} if name else {"table": table}
        for table, partitions in names.items()
        for name in partitions or [""]
    ]
    # With the policy the service would read the last days instead of those that are named.
    settings = {"type": "full", "commitMode": "transactional", "applyRefreshPolicy": False}
    return {**settings, "objects": objects}
