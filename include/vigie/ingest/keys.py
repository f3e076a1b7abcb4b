"""API keys: made, listed and revoked in the warehouse, which holds only their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from vigie.errors import KeyRefused
from vigie.warehouse.core import ingest_key
from vigie.warehouse.types import UtcNow

_PREFIX = "vigie_"


@dataclass(frozen=True)
class Key:
    """A key without its secret; `feeds` is empty for a key to all feeds."""

    name: str
    feeds: tuple[str, ...]
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


def hash_key(key: str) -> str:
    """SHA-256 of a key. It is 256 random bits, so that no slow hash is needed against guessing."""
    return sha256(key.encode()).hexdigest()


def create_key(engine: Engine, name: str, feeds: Sequence[str], *, person: str) -> str:
    """Make a key and return it; it is shown this once.

    Raises:
        KeyRefused: There is a key of this name.
    """
    key = _PREFIX + token_urlsafe(32)
    store_key(engine, name, key, feeds, person=person)
    return key


def store_key(engine: Engine, name: str, key: str, feeds: Sequence[str], *, person: str) -> None:
    """Let in whoever has `key`.

    Raises:
        KeyRefused: There is a key of this name.
    """
    row = {"name": name, "key_sha256": hash_key(key), "feeds": ",".join(feeds)}
    try:
        with engine.begin() as connection:
            connection.execute(insert(ingest_key).values(row | {"created_by": person}))
    except IntegrityError as error:
        message = f"key {name!r}: there is one of this name, or was; choose another name"
        raise KeyRefused(message) from error


def list_keys(engine: Engine) -> list[Key]:
    """All keys, revoked ones too, by name."""
    t = ingest_key.c
    columns = (t.name, t.feeds, t.created_by, t.created_at, t.revoked_at)
    with engine.connect() as connection:
        return [
            Key(name, _feeds(feeds), *rest)
            for name, feeds, *rest in connection.execute(select(*columns).order_by(t.name))
        ]


def revoke_key(engine: Engine, name: str) -> None:
    """Let nobody in with this key any more.

    Raises:
        KeyRefused: There is no such key that still holds.
    """
    t = ingest_key.c
    valid = update(ingest_key).where(t.name == name, t.revoked_at.is_(None))
    with engine.begin() as connection:
        if not connection.execute(valid.values(revoked_at=UtcNow())).rowcount:
            message = f"key {name!r}: no such key holds; `vigie key list` shows all"
            raise KeyRefused(message)


def valid_keys(engine: Engine) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Hash → name and feeds of every key that holds."""
    t = ingest_key.c
    query = select(t.key_sha256, t.name, t.feeds).where(t.revoked_at.is_(None))
    with engine.connect() as connection:
        return {found: (name, _feeds(feeds)) for found, name, feeds in connection.execute(query)}


def _feeds(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
