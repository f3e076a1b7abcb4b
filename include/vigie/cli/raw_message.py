"""Shows the bytes of a message, whatever they are, so that a terminal survives them."""

from __future__ import annotations

import orjson


def readable(raw: bytes | None) -> str | None:
    """The message as text, bytes that are not UTF-8 in hexadecimal; None if nothing was kept."""
    return None if raw is None else raw.decode("utf-8", errors="backslashreplace")


def one_line(raw: bytes | None, length: int | None, width: int) -> str | None:
    """The beginning of a message on one line; its length in bytes where something is missing."""
    text = readable(raw)
    if raw is None or text is None:
        return None
    total = length or len(raw)
    shown = printable(text)
    if len(shown) <= width and total == len(raw):
        return shown
    return f"{shown[:width]}… ({total:,} bytes)"


def whole(raw: bytes | None) -> str:
    """All that was kept of a message, indented where it is JSON."""
    if raw is None:
        return "(nothing was kept)"
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return printable(readable(raw) or "", keep="\n\t")


def printable(text: str, keep: str = "") -> str:
    """Escape control characters, which would move the cursor or colour the terminal."""
    escaped = (c if c.isprintable() or c in keep else c.encode("unicode_escape") for c in text)
    return "".join(c if isinstance(c, str) else c.decode() for c in escaped)
