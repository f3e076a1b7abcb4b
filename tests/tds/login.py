"""What a client says when it logs in."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FIELDS = ("host", "user", "password", "program", "server", "extension", "library", "language")
_FIRST = 36


@dataclass(frozen=True)
class Login:
    """Who wants in, where to, and what the client calls itself."""

    user: str
    password: str
    program: str
    database: str


def read_login(data: bytes) -> Login:
    """Read a LOGIN7 message."""
    texts: dict[str, str] = {}
    for number, name in enumerate((*_FIELDS, "database")):
        start, length = struct.unpack_from("<HH", data, _FIRST + 4 * number)
        raw = data[start : start + 2 * length]
        texts[name] = (_plain(raw) if name == "password" else raw).decode("utf-16-le")
    return Login(texts["user"], texts["password"], texts["program"], texts["database"])


def _plain(raw: bytes) -> bytes:
    mixed = (byte ^ 0xA5 for byte in raw)
    return bytes((byte >> 4 | byte << 4) & 0xFF for byte in mixed)
