"""Values on the wire: what PostgreSQL returns as TDS columns and rows, and bulk rows back."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.tds.errors import Refused
from tests.tds.tokens import COLLATION

_EPOCH = date(1, 1, 1).toordinal()
_NO_PLP, _PLP_UNKNOWN = b"\xff" * 8, b"\xfe" + b"\xff" * 7
_SCALE = 3

Encode = Callable[[Any], bytes]


@dataclass(frozen=True)
class Kind:
    """A TDS type: its TYPE_INFO, and how a value of it is written."""

    info: bytes
    encode: Encode


def _integer(size: int) -> Kind:
    return Kind(
        bytes((0x26, size)),
        lambda value: bytes((size,)) + value.to_bytes(size, "little", signed=True),
    )


def _time(value: datetime) -> bytes:
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    ticks = ((value.hour * 60 + value.minute) * 60 + value.second) * 1000
    ticks += value.microsecond // 1000
    return b"\x07" + ticks.to_bytes(4, "little") + _days(value)


def _days(value: date) -> bytes:
    return (value.toordinal() - _EPOCH).to_bytes(3, "little")


def _chunked(data: bytes) -> bytes:
    head = struct.pack("<QI", len(data), len(data)) if data else struct.pack("<Q", 0)
    return head + data + b"\x00" * 4


def _decimal(value: Decimal) -> bytes:
    scaled = int(value.scaleb(10))
    return b"\x11" + (b"\x00" if scaled < 0 else b"\x01") + abs(scaled).to_bytes(16, "little")


_BIT = Kind(b"\x68\x01", lambda value: bytes((1, value)))
_BIG = _integer(8)
_FLOAT = Kind(b"\x6d\x08", lambda value: b"\x08" + struct.pack("<d", value))
_TEXT = Kind(b"\xe7\xff\xff" + COLLATION, lambda value: _chunked(value.encode("utf-16-le")))
_BYTES = Kind(b"\xa5\xff\xff", lambda value: _chunked(bytes(value)))
_MOMENT = Kind(bytes((0x2A, _SCALE)), _time)
_DATE = Kind(b"\x28", lambda value: b"\x03" + _days(value))
_DECIMAL = Kind(b"\x6a\x11\x26\x0a", _decimal)
_NUMERIC = 1700
_KINDS = {
    16: _BIT,
    17: _BYTES,
    18: _TEXT,
    19: _TEXT,
    20: _BIG,
    21: _integer(2),
    23: _integer(4),
    25: _TEXT,
    26: _BIG,
    700: _FLOAT,
    701: _FLOAT,
    1042: _TEXT,
    1043: _TEXT,
    1082: _DATE,
    1114: _MOMENT,
    1184: _MOMENT,
    _NUMERIC: _DECIMAL,
    705: _TEXT,
}
"""By the number of PostgreSQL's type."""
_LONG = (0xE7, 0xA5)


def kind_of(oid: int, values: Sequence[Any]) -> Kind:
    """How a column is written; a sum of whole numbers is a whole number, as in SQL Server.

    Raises:
        Refused: No type of TDS stands for it here.
    """
    if oid == _NUMERIC and all(v is None or v == v.to_integral_value() for v in values):
        return Kind(_BIG.info, lambda value: _BIG.encode(int(value)))
    if oid not in _KINDS:
        raise Refused(f"a column of PostgreSQL's type {oid} has no type of TDS here")
    return _KINDS[oid]


def columns(names: Sequence[str], kinds: Sequence[Kind]) -> bytes:
    """The COLMETADATA token."""
    parts = [b"\x81", struct.pack("<H", len(names))]
    for name, kind in zip(names, kinds, strict=True):
        parts += [struct.pack("<IH", 0, 0x09), kind.info]
        parts += [bytes((len(name),)), name.encode("utf-16-le")]
    return b"".join(parts)


def rows(kinds: Sequence[Kind], values: Sequence[Sequence[Any]]) -> bytes:
    """The ROW tokens."""
    nulls = [_NO_PLP if kind.info[0] in _LONG else b"\x00" for kind in kinds]
    encoders = [kind.encode for kind in kinds]
    parts = []
    for row in values:
        parts.append(b"\xd1")
        for value, encode, null in zip(row, encoders, nulls, strict=True):
            parts.append(null if value is None else encode(value))
    return b"".join(parts)
