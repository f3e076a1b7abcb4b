"""The tokens of a reply, but for columns and rows."""

from __future__ import annotations

import struct

_TDS_74 = b"\x74\x00\x00\x04"
_MORE, _ERROR, _COUNT, _ATTENTION = 0x01, 0x02, 0x10, 0x20
_SERVER = "vigie"
COLLATION = b"\x09\x04\xd0\x00\x34"
"""Latin1_General, code page 1252; text goes as UTF-16 whatever it says."""


def login_accepted(database: str, packet_size: int) -> bytes:
    """What follows a login: database, collation, packet size, version."""
    program = _short("Microsoft SQL Server")
    body = b"\x01" + _TDS_74 + program + bytes((15, 0, 7, 208))
    size = str(packet_size)
    return b"".join(
        (
            _change(1, _short(database) + _short("master")),
            _change(7, bytes((len(COLLATION),)) + COLLATION + b"\x00"),
            b"\xad" + struct.pack("<H", len(body)) + body,
            _change(4, _short(size) + _short(size)),
            done(),
        )
    )


def done(*, rows: int | None = None, more: bool = False, failed: bool = False) -> bytes:
    """The end of a statement's answer; `rows` is what it returned or changed."""
    status = (_MORE if more else 0) | (_ERROR if failed else 0)
    status |= _COUNT if rows is not None else 0
    return _done(status, rows or 0)


def cancelled() -> bytes:
    """The answer to an attention."""
    return _done(_ATTENTION, 0)


def error(number: int, message: str, *, level: int = 16) -> bytes:
    """An error as the client shows it."""
    text = message[:2000].encode("utf-16-le")
    body = struct.pack("<iBB", number, 1, level) + struct.pack("<H", len(text) // 2) + text
    body += _short(_SERVER) + _short("") + struct.pack("<i", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def prelogin(*, version: int = 15) -> bytes:
    """The answer to a prelogin: no encryption here."""
    options = [
        (0, bytes((version, 0, 7, 208, 0, 0))),
        (1, b"\x02"),
        (2, b"\x00"),
        (3, b"\x00" * 4),
        (4, b"\x00"),
    ]
    place = len(options) * 5 + 1
    heads, values = b"", b""
    for number, value in options:
        heads += struct.pack(">BHH", number, place + len(values), len(value))
        values += value
    return heads + b"\xff" + values


def _done(status: int, rows: int) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", status, 0, rows)


def _change(kind: int, body: bytes) -> bytes:
    return b"\xe3" + struct.pack("<HB", len(body) + 1, kind) + body


def _short(text: str) -> bytes:
    return bytes((len(text),)) + text.encode("utf-16-le")
