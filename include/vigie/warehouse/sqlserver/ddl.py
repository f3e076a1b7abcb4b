"""The DDL of SQL Server 2019 and later; it was parsed and bound, and never run on a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, text

from vigie.contract.feed import Feed
from vigie.errors import MigrationError
from vigie.warehouse.ddl import LiveColumn, ReportObject
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.sqlserver import batches, live, report, tables

LOCK = """
DECLARE @got int;
EXEC @got = sp_getapplock @Resource = N'vigie migrate', @LockMode = N'Exclusive',
    @LockOwner = N'Session', @LockTimeout = -1;
SELECT @got AS got
"""
UNLOCK = "EXEC sp_releaseapplock @Resource = N'vigie migrate', @LockOwner = N'Session'"
JOURNAL = "SELECT OBJECT_ID(N'ops.migration', N'U')"
CREATE_OPS = "IF SCHEMA_ID(N'ops') IS NULL EXEC(N'CREATE SCHEMA ops')"


class SqlServerDdl:
    """See `Ddl`."""

    name = "mssql"
    dialect: Dialect = tables.DIALECT

    def tables(self, feed: Feed) -> Sequence[Table]:
        """Facts, and the heaps they are loaded through."""
        return [*feed_tables(feed), *tables.stages(feed)]

    def create_table(self, table: Table) -> Iterator[str]:
        """Columnstore by month with its key beside it; a stage is a heap."""
        return tables.create_table(table)

    def add_column(self, table: Table, column: Column[Any]) -> str:
        """ALTER TABLE … ADD, with 0 for the rows that are there."""
        return tables.add_column(table, column)

    def fill_column(self, table: Table, name: str) -> str:
        """A default, unless the column was added with one."""
        return tables.fill_column(table, name)

    def report_objects(self, feed: Feed) -> Sequence[ReportObject]:
        """Views, and inline table-valued functions."""
        return report.report_objects(feed)

    def drop_statements(self, views: Sequence[str], functions: Sequence[str]) -> Iterator[str]:
        """One statement per kind; nothing is bound to a schema, so any order will do."""
        for kind, names in (("VIEW", views), ("FUNCTION", functions)):
            if names:
                yield f"DROP {kind} " + ",\n    ".join(f"report.{name}" for name in names)

    def script(self, statements: Iterable[str]) -> str:
        """Batches parted by GO."""
        return batches.script(statements)

    def batches(self, script: str) -> list[str]:
        """The server knows no GO: each batch is sent by itself, all in one transaction."""
        return batches.batches(script)

    @contextmanager
    def lock(self, connection: Connection) -> Iterator[None]:
        """An application lock of the session.

        Raises:
            MigrationError: The server did not give it.
        """
        got = connection.execute(text(LOCK)).scalar_one()
        if got < 0:
            message = f"sp_getapplock answered {got}: another migration runs; try again"
            raise MigrationError(message)
        try:
            yield
        finally:
            connection.execute(text(UNLOCK))

    def has_journal(self, connection: Connection) -> bool:
        """Whether `ops.migration` is there."""
        return connection.execute(text(JOURNAL)).scalar() is not None

    def create_ops(self, connection: Connection) -> None:
        """Make schema `ops` if it is not there."""
        connection.execute(text(CREATE_OPS))

    def live_columns(self, connection: Connection, table: Table) -> dict[str, LiveColumn] | None:
        """From the catalogue."""
        return live.live_columns(connection, table)

    def report_drift(
        self, connection: Connection, objects: Iterable[ReportObject]
    ) -> Iterator[str]:
        """Views and functions by the text they were made with."""
        return live.report_drift(connection, objects)
