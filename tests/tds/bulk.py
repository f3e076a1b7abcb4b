"""Rows of a bulk load, as the client sends them: numbers and times only.

Text is refused, since the driver garbles it in a bulk load to SQL Server.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.tds.errors import Refused

_FIXED: dict[int, str] = {0x32: "<?", 0x34: "<h", 0x38: "<i", 0x7F: "<q", 0x3E: "<d", 0x30: "<B"}
_COLUMNS, _ROW, _DONE = 0x81, 0xD1, 0xFD

Read = Callable[[bytes, int], tuple[Any, int]]


def read_rows(data: bytes) -> Iterator[tuple[Any, ...]]:
    """The rows of a BULK_LOAD message."""
    if not data:
        return
    if data[0] != _COLUMNS:
        raise Refused(f"a bulk load that begins with token {data[0]:#x}")
    (count,) = struct.unpack_from("<H", data, 1)
    place, readers = 3, []
    for _ in range(count):
        reader, place = _column(data, place + 6)
        readers.append(reader)
        place += 1 + 2 * data[place]
    while place < len(data) and data[place] == _ROW:
        row = []
        place += 1
        for read in readers:
            value, place = read(data, place)
            row.append(value)
        yield tuple(row)
    if place < len(data) and data[place] != _DONE:
        raise Refused(f"token {data[place]:#x} within a bulk load")


def _column(data: bytes, place: int) -> tuple[Read, int]:
    kind = data[place]
    if kind in _FIXED:
        return _fixed(_FIXED[kind]), place + 1
    if kind in (0x26, 0x68, 0x6D):
        return _sized(kind), place + 2
    if kind == 0x2A:
        return _moment(data[place + 1]), place + 2
    if kind == 0x28:
        return _date, place + 1
    raise Refused(
        f"a bulk load of a column of type {kind:#x}: only numbers and times are loaded so"
    )


def _fixed(form: str) -> Read:
    form_ = struct.Struct(form)
    return lambda data, place: (form_.unpack_from(data, place)[0], place + form_.size)


def _sized(kind: int) -> Read:
    def read(data: bytes, place: int) -> tuple[Any, int]:
        size = data[place]
        raw = data[place + 1 : place + 1 + size]
        place += 1 + size
        if not size:
            return None, place
        if kind == 0x6D:
            return struct.unpack("<d" if size == 8 else "<f", raw)[0], place
        number = int.from_bytes(raw, "little", signed=True)
        return (bool(number) if kind == 0x68 else number), place

    return read


def _moment(scale: int) -> Read:
    def read(data: bytes, place: int) -> tuple[Any, int]:
        size = data[place]
        raw = data[place + 1 : place + 1 + size]
        if not size:
            return None, place + 1
        ticks = int.from_bytes(raw[:-3], "little")
        days = int.from_bytes(raw[-3:], "little")
        micro = ticks * 10 ** (6 - scale) if scale <= 6 else ticks // 10
        return datetime(1, 1, 1) + timedelta(days=days, microseconds=micro), place + 1 + size  # noqa: DTZ001

    return read


def _date(data: bytes, place: int) -> tuple[Any, int]:
    if not data[place]:
        return None, place + 1
    days = int.from_bytes(data[place + 1 : place + 4], "little")
    return date(1, 1, 1) + timedelta(days=days), place + 4
