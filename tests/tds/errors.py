"""Errors as SQL Server numbers them."""

from __future__ import annotations

import psycopg

REFUSED = 50000
"""Of what the endpoint does not know; no number of SQL Server's own."""
_NUMBERS = {
    "23505": 2627,
    "23502": 515,
    "23514": 547,
    "23503": 547,
    "42P01": 208,
    "3F000": 208,
    "42703": 207,
    "42601": 102,
    "42501": 229,
    "22012": 8134,
    "42P07": 2714,
    "40P01": 1205,
    "40001": 3960,
    "55P03": 1222,
    "22001": 2628,
    "22003": 8115,
    "22P02": 245,
    "22007": 241,
    "28P01": 18456,
    "28000": 18456,
    "3D000": 4060,
}


class Refused(Exception):
    """The endpoint does not know this, and does not guess what SQL Server would do."""


def number_and_text(error: Exception) -> tuple[int, str]:
    """What a client is told of a failure."""
    if isinstance(error, Refused):
        return REFUSED, f"the test endpoint refuses: {error}"
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return _NUMBERS.get(error.sqlstate, REFUSED), f"{error.sqlstate}: {error}".strip()
    return REFUSED, f"{type(error).__name__}: {error}"
