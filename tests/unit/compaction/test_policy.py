"""When to do what to a month: one table for both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from vigie.compaction.periods import closes_at, end_of, first_kept, is_cold
from vigie.compaction.policy import LEAST_DEAD, next_step
from vigie.contract.loader import load_feeds
from vigie.warehouse.fact_months import Density, later_month

pytestmark = pytest.mark.unit

FEED = next(iter(load_feeds().values()))
DENSE = Density(rows=1_000_000, groups=1, dead=0, stubborn=0, loose=0, bytes=1)


def dead(share: float, rows: int = 1_000_000, *, stubborn: bool = True) -> Density:
    gone = round(rows * share / (1 - share))
    return replace(DENSE, rows=rows, dead=gone, stubborn=gone if stubborn else 0)


@pytest.mark.parametrize(
    ("density", "cold", "step"),
    [
        (DENSE, False, None),
        (DENSE, True, None),  # PostgreSQL has no denser form
        (replace(DENSE, rows=0, groups=0), True, None),
        (replace(DENSE, loose=1), False, "tidy"),
        (replace(DENSE, mergeable=True), False, "tidy"),
        (dead(0.099), False, None),
        (dead(0.101), False, "rewrite"),
        (replace(dead(0.101), loose=5), False, "rewrite"),
        (replace(dead(0.099), loose=5), False, "tidy"),
        # REORGANIZE merges these groups by itself.
        (dead(0.5, stubborn=False), False, "tidy"),
        # All is dead in groups too small for it: a share alone decides nothing.
        (dead(0.5, rows=LEAST_DEAD - 1), False, None),
        (dead(0.5, rows=LEAST_DEAD), False, "rewrite"),
        (replace(DENSE, archived=False), False, None),
        (replace(DENSE, archived=False), True, "archive"),
        (replace(DENSE, archived=True), True, None),
        (replace(DENSE, archived=False, loose=1), True, "tidy"),
        (replace(DENSE, rows=0, groups=0, archived=False), True, None),
    ],
)
def test_what_a_month_needs_next(density: Density, cold: bool, step: str | None) -> None:
    assert next_step(density, cold=cold) == step


def test_months_follow_each_other_over_the_year() -> None:
    assert later_month(date(2026, 12, 1), 1) == date(2027, 1, 1)
    assert later_month(date(2026, 11, 1), 26) == date(2029, 1, 1)
    assert later_month(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert end_of(date(2026, 2, 1)) == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_month_closes_once_its_readings_are_late() -> None:
    month = date(2026, 10, 1)
    assert closes_at(FEED, month) == datetime(2026, 11, 1, tzinfo=UTC) + FEED.late_after
    assert not is_cold(month, datetime(2027, 4, 29, tzinfo=UTC))
    assert is_cold(month, datetime(2027, 5, 1, tzinfo=UTC))


def test_a_month_goes_a_month_after_its_last_day_expired() -> None:
    kept, last_day = timedelta(days=400), datetime(2026, 11, 1, tzinfo=UTC)
    goes = last_day + kept + timedelta(days=31)
    assert first_kept(FEED, kept, goes) == date(2026, 11, 1)
    assert first_kept(FEED, kept, goes - timedelta(milliseconds=1)) == date(2026, 10, 1)


def test_what_the_topic_keeps_longer_is_waited_for() -> None:
    kafka = replace(FEED.kafka, retention=timedelta(days=90))
    slow, now = replace(FEED, kafka=kafka), datetime(2027, 1, 31, tzinfo=UTC)
    assert first_kept(FEED, timedelta(days=30), now) == date(2026, 12, 1)
    assert first_kept(slow, timedelta(days=30), now) == date(2026, 10, 1)
