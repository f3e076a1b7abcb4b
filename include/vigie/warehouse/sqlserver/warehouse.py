"""`Warehouse` on SQL Server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime

from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import DBAPIError

from vigie.contract.feed import Feed
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.session import SessionId
from vigie.warehouse.sqlserver import roll_ups
from vigie.warehouse.sqlserver.literals import literal
from vigie.warehouse.sqlserver.session import SqlServerSession

_AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}


class SqlServerWarehouse:
    """SQL Server from version 2019 on."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or get_engine()

    def open_session(self) -> SqlServerSession:
        """Open a connection of its own."""
        return SqlServerSession(self._engine.url, get_settings().session)

    @contextmanager
    def hold(self, *names: str) -> Iterator[bool]:
        """Application locks of one session: SQL Server gives them back when the connection ends."""
        connection = self._engine.connect().execution_options(**_AUTOCOMMIT)
        mine: list[str] = []
        try:
            for name in names:
                if not _take(connection, name):
                    _give_back(connection, mine)
                    break
                mine.append(name)
            yield len(mine) == len(names)
        finally:
            # Closing alone would give them back a moment later than the caller believes.
            _give_back(connection, mine)
            connection.invalidate()
            connection.close()

    def ensure_months(self, table: Table, days: Iterable[date]) -> None:
        """Nothing: every month has a place, and compaction keeps empty partitions ahead.

        A partition that holds rows cannot be split without moving them, so none is split here.
        """

    def changed_hours(self, connection: Connection, feed: Feed, day: datetime) -> list[datetime]:
        """Hours whose panes and roll-ups count differently."""
        return roll_ups.changed_hours(connection, feed, day)

    def roll_up(
        self, connection: Connection, feed: Feed, table: Table, begin: datetime, end: datetime
    ) -> None:
        """Replace the periods' rows, with PERCENTILE_CONT over the readings."""
        roll_ups.roll_up(connection, feed, table, begin, end)

    def end_sessions(self, sessions: Iterable[SessionId], names: Iterable[str]) -> int:
        """KILL each, outside any transaction; needs ALTER ANY CONNECTION and VIEW SERVER STATE."""
        started = {one.session_id: one.started_at.replace(tzinfo=None) for one in sessions}
        named, ended = set(names), 0
        live = text(
            "SELECT session_id, CAST(login_time AS datetime2(3)), program_name "
            "FROM sys.dm_exec_sessions WHERE session_id <> @@SPID"
        )
        with self._engine.connect().execution_options(**_AUTOCOMMIT) as connection:
            for number, since, name in connection.execute(live).all():
                # Both must match: a number is used again.
                if started.get(number) == since or name in named:
                    with suppress(DBAPIError):
                        connection.exec_driver_sql(f"KILL {number}")
                        ended += 1
        return ended


def _take(connection: Connection, name: str) -> bool:
    got = connection.exec_driver_sql(
        f"DECLARE @got int; EXEC @got = sp_getapplock @Resource = {_resource(name)}, "
        "@LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0; SELECT @got AS got"
    )
    return bool(got.scalar_one() >= 0)


def _give_back(connection: Connection, names: list[str]) -> None:
    while names:
        name = _resource(names.pop())
        with suppress(DBAPIError):
            connection.exec_driver_sql(
                f"EXEC sp_releaseapplock @Resource = {name}, @LockOwner = 'Session'"
            )


def _resource(name: str) -> str:
    return literal(f"vigie {name}")
