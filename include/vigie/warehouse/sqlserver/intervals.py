"""Time in T-SQL: lengths added with DATEADD, and bins aligned to the epoch in UTC."""

from __future__ import annotations

from datetime import timedelta

from vigie.errors import MigrationError

_EPOCH = "'1970-01-01T00:00:00'"


def add(length: timedelta, time: str, *, times: str = "") -> str:
    """A moment `length` later, or `times` (an integer expression) as much."""
    unit, number = _units(length)
    return f"DATEADD({unit}, {times}{number}, {time})"


def bin_start(length: timedelta, time: str) -> str:
    """The start of the bin of `length` that a datetime2(3) since 1970 lies in.

    A remainder of T-SQL has the sign of its dividend, hence 1970.

    Raises:
        MigrationError: The length has more than 24 days, and is not whole days.
    """
    number = length // timedelta(milliseconds=1)
    if number < 2**31:
        past = f"CAST(DATEDIFF_BIG(millisecond, {_EPOCH}, {time}) % {number} AS int)"
        return f"DATEADD(millisecond, -{past}, {time})"
    days, rest = divmod(length, timedelta(days=1))
    if rest:
        message = f"{length}: SQL Server has no such bins; from 24 days on, give whole days"
        raise MigrationError(message)
    past = f"DATEDIFF(day, {_EPOCH}, {time}) % {days}"
    return f"DATEADD(day, -({past}), CAST(CAST({time} AS date) AS datetime2(3)))"


def _units(length: timedelta) -> tuple[str, int]:
    """Seconds where that is exact: the number that DATEADD takes has 32 bits."""
    seconds, rest = divmod(length, timedelta(seconds=1))
    if rest:
        return "millisecond", length // timedelta(milliseconds=1)
    return "second", seconds
