"""Time in PostgreSQL's SQL: lengths in seconds, and bins aligned to the epoch in UTC."""

from __future__ import annotations

from datetime import timedelta


def interval(length: timedelta) -> str:
    """An interval literal, in seconds: a day's length would depend on the session's time zone."""
    return f"interval '{length.total_seconds():.15g} seconds'"


def bin_start(length: timedelta, time: str) -> str:
    """The start of the bin of `length` that an expression of type timestamptz lies in."""
    return f"date_bin({interval(length)}, {time}, timestamptz '1970-01-01 00:00:00+00')"
