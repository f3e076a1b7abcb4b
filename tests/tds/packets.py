"""TDS packets: messages cut into packets with a header of eight bytes each."""

from __future__ import annotations

import socket
import struct

SQL_BATCH, BULK_LOAD, REPLY, ATTENTION, LOGIN7, PRELOGIN = 0x01, 0x07, 0x04, 0x06, 0x10, 0x12
_HEADER = struct.Struct(">BBHHBB")
_LAST = 0x01
SIZE = 4096
"""What the login offers; the client's own wish is not followed."""


class Disconnected(Exception):
    """The client is gone."""


def receive(connection: socket.socket) -> tuple[int, bytes]:
    """The next message: its type and its data, of all its packets.

    Raises:
        Disconnected: No more will come.
    """
    parts: list[bytes] = []
    while True:
        kind, status, length, _, _, _ = _HEADER.unpack(_exactly(connection, _HEADER.size))
        parts.append(_exactly(connection, length - _HEADER.size))
        if status & _LAST:
            return kind, b"".join(parts)


def send(connection: socket.socket, data: bytes) -> None:
    """Send a reply."""
    room = SIZE - _HEADER.size
    starts = range(0, max(len(data), 1), room)
    packets = []
    for number, start in enumerate(starts, 1):
        part = data[start : start + room]
        status = _LAST if start + room >= len(data) else 0
        head = _HEADER.pack(REPLY, status, len(part) + _HEADER.size, 0, number % 256, 0)
        packets.append(head + part)
    try:
        connection.sendall(b"".join(packets))
    except OSError as error:
        raise Disconnected from error


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = connection.recv(min(count - len(parts), 1 << 20))
        except OSError as error:
            raise Disconnected from error
        if not part:
            raise Disconnected
        parts += part
    return bytes(parts)
