"""Batches that are no query: transactions, settings, locks, sessions, bulk loads."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SETTINGS = re.compile(r"\s*(?:SET\s+(\w+)\s+(ON|OFF|-?\d+)\s*;?\s*)", re.I)
_HARMLESS = {
    *("ARITHABORT", "CONCAT_NULL_YIELDS_NULL", "ANSI_NULLS", "ANSI_NULL_DFLT_ON", "ANSI_PADDING"),
    *("ANSI_WARNINGS", "CURSOR_CLOSE_ON_COMMIT", "QUOTED_IDENTIFIER", "TEXTSIZE", "NOCOUNT"),
}
_LEVEL = re.compile(r"SET TRANSACTION ISOLATION LEVEL (READ COMMITTED|SNAPSHOT)", re.I)
_TRANSACTION = re.compile(r"(BEGIN|COMMIT|ROLLBACK) TRAN(?:SACTION)?", re.I)
_USE = re.compile(r"use \[\w+\]", re.I)
_KILL = re.compile(r"KILL (\d+)", re.I)
_SHAPE = re.compile(r"SET FMTONLY ON (select \* from \S+) SET FMTONLY OFF", re.I)
_BULK = re.compile(r"INSERT BULK (\S+) \((.*)\)(?: WITH \([^)]*\))?", re.I | re.S)
_COLUMN = re.compile(r"\[?(\w+)\]? [a-z]\w*(?:\([\w,]+\))?(?: COLLATE \w+)?", re.I)
_GET_LOCK = re.compile(
    r"DECLARE @(\w+) int; EXEC @\1 = sp_getapplock @Resource = N'([^']*)', "
    r"@LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = (-1|0); "
    r"SELECT @\1(?: AS \w+)?",
    re.I,
)
_GIVE_LOCK = re.compile(
    r"EXEC sp_releaseapplock @Resource = N'([^']*)', @LockOwner = 'Session'", re.I
)


@dataclass(frozen=True)
class Control:
    """One such batch: what it does, and to what."""

    verb: str
    words: tuple[str, ...] = ()


def read_control(batch: str) -> list[Control] | None:
    """The batch as what it controls; None if it is none of these, and so perhaps a query."""
    text = batch.strip().rstrip(";").strip()
    if _USE.fullmatch(text):
        return [Control("nothing")]  # the database of the login
    if settings := _settings(text):
        return settings
    simple = (
        ("level", _LEVEL),
        ("transaction", _TRANSACTION),
        ("kill", _KILL),
        ("shape", _SHAPE),
        ("lock", _GET_LOCK),
        ("unlock", _GIVE_LOCK),
    )
    for verb, pattern in simple:
        if match := pattern.fullmatch(text):
            return [Control(verb, match.groups())]
    if match := _BULK.fullmatch(text):
        columns = tuple(found[1] for found in _COLUMN.finditer(match[2]))
        return [Control("bulk", (match[1], *columns))]
    return None


def _settings(text: str) -> list[Control] | None:
    found, place = [], 0
    while place < len(text):
        match = _SETTINGS.match(text, place)
        if match is None:
            return None
        name, value = match[1].upper(), match[2].upper()
        if name in ("XACT_ABORT", "LOCK_TIMEOUT"):
            found.append(Control(name.lower(), (value,)))
        elif name not in _HARMLESS:
            return None
        place = match.end()
    return found or [Control("nothing")]
