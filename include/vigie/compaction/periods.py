"""Which months are closed, cold or expired at a moment of the database's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from vigie.contract.feed import Feed
from vigie.warehouse.fact_months import later_month

COLD = timedelta(days=180)
"""A month that ended so long ago is seldom read."""
_MARGIN = timedelta(days=31)


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return date(day.year, day.month, 1)


def begin_of(month: date) -> datetime:
    """The first moment of a month."""
    return datetime.combine(month, time(), UTC)


def end_of(month: date) -> datetime:
    """The first moment after a month."""
    return begin_of(later_month(month, 1))


def closes_at(feed: Feed, month: date) -> datetime:
    """When a month's readings are in, but for late ones."""
    return end_of(month) + feed.late_after


def is_cold(month: date, now: datetime) -> bool:
    """Whether the month ended long ago."""
    return end_of(month) + COLD <= now


def first_kept(feed: Feed, kept: timedelta, now: datetime) -> date:
    """The first month that stays where rows are `kept` so long: others go a month later than due.

    A reading is judged by when the broker got it. A stream that is behind still stores what came
    in time, which it can for as long as the topic keeps it.
    """
    return month_of((now - kept - max(_MARGIN, feed.kafka.retention)).astimezone(UTC).date())
