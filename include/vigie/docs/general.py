"""What a feed has, named by what it is: `<feed>_reading`, `<field>_mean`, `<model>_forecast`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from vigie.contract.feed import Feed

Part = TypeVar("Part")


def general_name(name: str, feed: Feed) -> str:
    """A table or view of a feed or of its model."""
    start, _, kind = name.rpartition("_")
    return f"<{'feed' if start == feed.name else 'model'}>_{kind}"


def general_column(column: str, feed: Feed) -> str:
    """A column, where it is a field or what is computed of one."""
    if column in feed.fields:
        return "<field>"
    start, _, part = column.rpartition("_")
    return f"<field>_{part}" if start in feed.fields else column


def merged(parts: Iterable[Mapping[str, Sequence[Part]]]) -> dict[str, list[Part]]:
    """What some feed has, once, in the order of the first feed that has it."""
    found: dict[str, dict[Part, None]] = {}
    for part in parts:
        for name, columns in part.items():
            found.setdefault(name, {}).update(dict.fromkeys(columns))
    return {name: list(columns) for name, columns in found.items()}
