"""SQLAlchemy engines for the three roles: who loads, who owns, who reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import InterfaceError, OperationalError

from vigie.errors import SettingsError
from vigie.settings import get_settings
from vigie.warehouse.connecting import Connecting
from vigie.warehouse.connections import PREFIX, connection_url
from vigie.warehouse.postgres.connecting import CONNECTING as POSTGRES
from vigie.warehouse.session import TransientError
from vigie.warehouse.sqlserver.connecting import CONNECTING as SQL_SERVER

Role = Literal["ingest", "owner", "reader"]
_SETTING = {"ingest": "warehouse", "owner": "warehouse_owner", "reader": "warehouse_reader"}
_CONNECTING = {"postgresql": POSTGRES, "mssql": SQL_SERVER}


def warehouse_url(role: Role = "ingest") -> str:
    """The SQLAlchemy URL of a role: the setting, else Airflow's connection `vigie_<setting>`.

    Raises:
        SettingsError: The setting is empty.
    """
    name = _SETTING[role]
    url: str = getattr(get_settings(), name) or connection_url(name)
    if not url:
        message = (
            f"VIGIE_{name.upper()} is empty; start the stack with `vigie up`, or set it, or "
            f"Airflow's connection {PREFIX}{name.upper()}"
        )
        raise SettingsError(message)
    return url


@cache
def get_engine(role: Role = "ingest") -> Engine:
    """One pooled engine per role and process; connections are checked before use.

    Raises:
        SettingsError: The role's URL is not set, or names a database that is none of ours.
    """
    url = make_url(warehouse_url(role))
    return create_engine(
        url,
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args=_connecting(url).arguments(session=get_settings().session),
    )


def impatient_engine(*, seconds: int, role: Role = "ingest", connections: int = 1) -> Engine:
    """Connections of its own whose statements give up after `seconds`."""
    url = make_url(warehouse_url(role))
    arguments = _connecting(url).arguments(session=get_settings().session, seconds=seconds)
    return create_engine(
        url, pool_size=connections, max_overflow=0, pool_pre_ping=True, connect_args=arguments
    )


def snapshots(engine: Engine) -> Engine:
    """The same engine, each of whose transactions sees one consistent view."""
    return engine.execution_options(isolation_level=_connecting(engine.url).snapshot)


@contextmanager
def patient_snapshot(engine: Engine) -> Iterator[Connection]:
    """One consistent view that may wait as long as it must for others, since it locks no row."""
    with snapshots(engine).connect() as connection:
        _connecting(engine.url).be_patient(connection)
        yield connection


@contextmanager
def as_transient() -> Iterator[None]:
    """Let a pooled connection that fails say the same as a session that fails: try again.

    Raises:
        TransientError: The database is away, or ended what was done.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise TransientError(str(error)) from error


def _connecting(url: URL) -> Connecting:
    known = _CONNECTING.get(url.get_backend_name())
    if known is None:
        names = ", ".join(_CONNECTING)
        message = (
            f"VIGIE_WAREHOUSE names dialect {url.get_backend_name()!r}, expected one of {names}"
        )
        raise SettingsError(message)
    return known
