"""Kinds of columns that the shared tables have, and the tables' common metadata."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Text,
)

from vigie.warehouse.types import LONG_TEXT, NAME, TIME, UtcNow, key_text

metadata = MetaData()
WORD = key_text(200)
HASH = key_text(64)
TOPIC = key_text(64)
TASK = key_text(400)


def time(
    name: str, *, now: bool = False, nullable: bool = True, comment: str | None = None
) -> Column[object]:
    """A moment in UTC; `now`: that of its row, unless told."""
    default = UtcNow() if now else None
    return Column(name, TIME, nullable=nullable, server_default=default, comment=comment)


def integer(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    """A number of 32 bits."""
    return Column(name, Integer, primary_key=key, nullable=nullable, autoincrement=False)


def big_integer(
    name: str, *, key: bool = False, nullable: bool = False, comment: str | None = None
) -> Column[int]:
    """A number of 64 bits."""
    return Column(
        name,
        BigInteger,
        primary_key=key,
        nullable=nullable,
        autoincrement=False,
        comment=comment,
    )


def text(name: str, *, nullable: bool = False, comment: str | None = None) -> Column[str]:
    """A text of any length."""
    return Column(name, LONG_TEXT, nullable=nullable, comment=comment)


def word(
    name: str, kind: Text = NAME, *, key: bool = False, comment: str | None = None
) -> Column[str]:
    """A text short enough for a key."""
    return Column(name, kind, primary_key=key, nullable=False, comment=comment)
