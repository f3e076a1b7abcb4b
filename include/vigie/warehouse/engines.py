"""SQLAlchemy engines for the three roles: who loads, who owns, who reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine, text

from vigie.errors import SettingsError
from vigie.settings import get_settings

Role = Literal["ingest", "owner", "reader"]
_SETTING = {"ingest": "warehouse", "owner": "warehouse_owner", "reader": "warehouse_reader"}
# A process that froze inside a transaction must not keep its rows locked for ever.
_IDLE = "-c idle_in_transaction_session_timeout=30s"


def warehouse_url(role: Role = "ingest") -> str:
    """The SQLAlchemy URL of a role.

    Raises:
        SettingsError: The setting is empty.
    """
    name = _SETTING[role]
    url: str = getattr(get_settings(), name)
    if not url:
        message = f"VIGIE_{name.upper()} is empty; start the stack with `vigie up`, or set it"
        raise SettingsError(message)
    return url


@cache
def get_engine(role: Role = "ingest") -> Engine:
    """One pooled engine per role and process; connections are checked before use.

    Raises:
        SettingsError: The role's URL is not set.
    """
    return create_engine(
        warehouse_url(role),
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": _IDLE},
    )


def impatient_engine(*, seconds: int) -> Engine:
    """One connection of its own whose statements give up after `seconds`."""
    options = f"-c statement_timeout={seconds}s {_IDLE}"
    return create_engine(
        warehouse_url(),
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"connect_timeout": seconds, "options": options},
    )


def snapshots(engine: Engine) -> Engine:
    """The same engine, each of whose transactions sees one consistent view."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


@contextmanager
def patient_snapshot(engine: Engine) -> Iterator[Connection]:
    """One consistent view that may wait as long as it must for others, since it locks no row."""
    with snapshots(engine).connect() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection
