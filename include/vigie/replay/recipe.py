"""How to read one format of files as readings: `replay/<name>.yaml` beside the contracts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotated_types import MinLen
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from vigie.contract.durations import Duration
from vigie.contract.feed import Identifier

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
EPOCH = "epoch milliseconds"
"""The format of a time that is a number of milliseconds since 1970."""
_FIXED_ZONE = re.compile(r"UTC(?:([+-])(\d{1,2})(?::(\d{2}))?)?")

Text = Annotated[str, StringConstraints(min_length=1)]
OneCharacter = Annotated[str, StringConstraints(min_length=1, max_length=1)]


def parse_zone(name: str) -> tzinfo:
    """Read `UTC`, a fixed offset such as `UTC+8` or `UTC-03:30`, or a name such as `Asia/Tokyo`.

    Raises:
        PydanticCustomError: There is no such zone.
    """
    fixed = _FIXED_ZONE.fullmatch(name)
    if fixed:
        sign, hours, minutes = fixed.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if offset < timedelta(days=1):
            return timezone(-offset if sign == "-" else offset) if offset else UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "UTC, UTC+8, or a name such as Asia/Tokyo") from None


def _known_zone(name: str) -> str:
    parse_zone(name)
    return name


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error:
        groups = 0
    if groups != 1:
        raise PydanticCustomError("pattern", "a regular expression with one group in ()")
    return pattern


def _columns(columns: object) -> object:
    """Let a column be written as its field's name alone."""
    if not isinstance(columns, Mapping):
        return columns
    return {k: {"field": v} if isinstance(v, str) else v for k, v in columns.items()}


Pattern = Annotated[str, AfterValidator(_one_group)]


@dataclass(frozen=True, config=_STRICT)
class Sensor:
    """Whose readings: one `value`, a `column`, or the group of a pattern in the `file`'s name."""

    value: Text | None = None
    column: Text | None = None
    file: Pattern | None = None


@dataclass(frozen=True, config=_STRICT)
class Time:
    """When: `columns` joined by spaces, or rows `step` apart from a `start`.

    The start is written out, or is the group of a pattern in the `file`'s name. Texts are read
    with `format` (strftime codes, or `epoch milliseconds`) and are local times of `zone`.
    """

    columns: tuple[Text, ...] = ()
    start: datetime | None = None
    file: Pattern | None = None
    step: Duration | None = None
    format: Text | None = None
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"


@dataclass(frozen=True, config=_STRICT)
class Column:
    """The contract's field a column holds, and what to multiply it by to get the field's unit.

    `missing` are markers of this column alone.
    """

    field: Identifier
    factor: float = 1.0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class Position:
    """The columns of the WGS 84 coordinates, in degrees."""

    latitude: Text
    longitude: Text


@dataclass(frozen=True, config=_STRICT)
class Recipe:
    """One format. `files` are patterns of file names; a `.gz` at the end of a name is free.

    Columns are those of a CSV file, or with `content: senml` the names in its packs (senml.py).
    """

    feed: Identifier
    title: str
    files: Annotated[tuple[Text, ...], MinLen(1)]
    sensor: Sensor
    time: Time
    columns: Annotated[dict[Text, Column], BeforeValidator(_columns), MinLen(1)]
    content: Literal["csv", "senml"] = "csv"
    separator: OneCharacter = ","
    decimal: OneCharacter = "."
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ()
    position: Position | None = None
    status: Text | None = None

    def reads(self, file_name: str) -> bool:
        """Whether a file of this name has the recipe's format."""
        name = file_name.removesuffix(".gz")
        return any(fnmatchcase(name, pattern) for pattern in self.files)
