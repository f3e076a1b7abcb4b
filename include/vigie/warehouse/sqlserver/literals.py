"""Python's values as T-SQL writes them: the driver sends no parameters, only text."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from vigie.errors import WarehouseError

# A backslash before a line's end continues a literal: both would be lost.
_CONTINUED = (("\\\r\n", "\\' + NCHAR(13) + NCHAR(10) + N'"), ("\\\n", "\\' + NCHAR(10) + N'"))


def literal(value: Any) -> str:
    """A value; times in UTC, cut to milliseconds.

    Raises:
        WarehouseError: SQL Server has no such value.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bytes, bytearray)):
        return f"0x{value.hex()}"
    if isinstance(value, datetime):
        return f"'{_moment(value).isoformat(timespec='milliseconds')}'"
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    message = f"SQL Server: no literal for a value of type {type(value).__name__}"
    raise WarehouseError(message)


def _number(value: float) -> str:
    if not math.isfinite(value):
        message = f"SQL Server: {value} is no number that can be stored"
        raise WarehouseError(message)
    # Without an exponent it would be a decimal, which is converted and may lose the last digit.
    said = repr(value)
    return said if "e" in said else f"{said}e0"


def _text(value: str) -> str:
    said = value.replace("'", "''")
    for break_, spelled in _CONTINUED:
        said = said.replace(break_, spelled)
    return f"N'{said}'"


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        message = f"{value.isoformat()}: expected a time with its zone"
        raise WarehouseError(message)
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
