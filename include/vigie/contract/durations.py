"""Durations as a contract writes them: `500 ms`, `10 minutes`, `7 days`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "year": timedelta(days=365),
}
_PATTERN = re.compile(rf"(\d+)\s+({'|'.join(_UNITS)})s?")


def parse_duration(text: object) -> timedelta:
    """Read a positive duration such as `10 minutes`; a year is 365 days.

    Raises:
        PydanticCustomError: The text is not a whole number and a unit, or is zero.
    """
    if isinstance(text, timedelta):
        return text
    match = _PATTERN.fullmatch(str(text).strip())
    if match is None or int(match[1]) == 0:
        raise PydanticCustomError(
            "duration", "a whole number above 0 and one of {units}", {"units": _names()}
        )
    return int(match[1]) * _UNITS[match[2]]


def format_duration(duration: timedelta) -> str:
    """Write a duration with the largest unit that divides it."""
    for name, unit in reversed(_UNITS.items()):
        if duration % unit == timedelta(0):
            count = duration // unit
            return f"{count} {name}{'s' if count > 1 and name != 'ms' else ''}"
    return f"{duration.total_seconds()} seconds"


def _names() -> str:
    return ", ".join(name if name == "ms" else f"{name}s" for name in _UNITS)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
