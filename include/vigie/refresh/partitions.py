"""The partitions that Power BI makes of a table with a refresh policy, by their names.

A policy keeps months and reads the last days again at every refresh: the service then has a
partition per day of the months those days touch, and one per month before. Day and month are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from vigie.powerbi.facts import HOURS, SAID

REFRESH_DAYS = min(HOURS.refresh_days, SAID.refresh_days)
"""How many days a refresh by the policy reads again."""


def first_read_again(today: date) -> date:
    """The earliest day that a refresh by the policy surely reads again."""
    # One less than it says: whether today counts as one of them is not said.
    return today - timedelta(days=REFRESH_DAYS - 1)


def partition_names(days: Iterable[date], today: date) -> list[str]:
    """The partitions the days lie in, each once, in order of time."""
    return sorted({_name(day, today) for day in days})


def _name(day: date, today: date) -> str:
    begin = today - timedelta(days=REFRESH_DAYS)
    quarter = f"{day.year}Q{(day.month - 1) // 3 + 1}"
    month = f"{quarter}{day.month:02d}"
    return month if (day.year, day.month) < (begin.year, begin.month) else f"{month}{day.day:02d}"
