"""The DDL of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Dialect, MetaData, Table, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from vigie.contract.feed import Feed
from vigie.warehouse.ddl import LiveColumn, ReportObject
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.postgres import report

_LOCK = 7_164_430


class PostgresDdl:
    """See `Ddl`."""

    name = "postgresql"
    dialect: Dialect = postgresql.dialect()

    def tables(self, feed: Feed) -> Sequence[Table]:
        """The facts: what loading them needs is made with each transaction."""
        return list(feed_tables(feed))

    def create_table(self, table: Table) -> Iterator[str]:
        """A partitioned table and its BRIN index; months come as they are needed."""
        yield str(CreateTable(table).compile(dialect=self.dialect))
        for index in table.indexes:
            yield str(CreateIndex(index).compile(dialect=self.dialect))

    def add_column(self, table: Table, column: Column[Any]) -> str:
        """ALTER TABLE … ADD COLUMN, with 0 for the rows that are there."""
        spec = str(CreateColumn(column).compile(dialect=self.dialect)).strip()
        default = "" if column.nullable else " DEFAULT 0"
        return f"ALTER TABLE {table.fullname} ADD COLUMN {spec}{default}"

    def fill_column(self, table: Table, name: str) -> str:
        """A default, of the months that are there too."""
        return f"ALTER TABLE {table.fullname} ALTER COLUMN {name} SET DEFAULT 0"

    def report_objects(self, feed: Feed) -> Sequence[ReportObject]:
        """Views, and functions in SQL."""
        return report.report_objects(feed)

    def drop_statements(self, views: Sequence[str], functions: Sequence[str]) -> Iterator[str]:
        """One statement per kind: PostgreSQL then finds the order itself."""
        return report.drop_statements(list(views), list(functions))

    def script(self, statements: Iterable[str]) -> str:
        """Statements that end with a semicolon."""
        return "\n\n".join(_tidy(statement) for statement in statements) + "\n"

    def batches(self, script: str) -> list[str]:
        """The whole file in one call."""
        return [script]

    @contextmanager
    def lock(self, connection: Connection) -> Iterator[None]:
        """An advisory lock of the session."""
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})

    def has_journal(self, connection: Connection) -> bool:
        """Whether `ops.migration` is there."""
        return inspect(connection).has_table("migration", schema="ops")

    def create_ops(self, connection: Connection) -> None:
        """Make schema `ops` if it is not there."""
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))

    def live_columns(self, connection: Connection, table: Table) -> dict[str, LiveColumn] | None:
        """As SQLAlchemy reads them."""
        if not inspect(connection).has_table(table.name, schema=table.schema):
            return None
        live = Table(table.name, MetaData(), schema=table.schema, autoload_with=connection)
        return {
            str(column.name): LiveColumn(
                kind=column.type.compile(self.dialect),
                nullable=bool(column.nullable),
                key=column.primary_key,
                has_default=column.server_default is not None,
            )
            for column in live.columns
        }

    def report_drift(
        self, connection: Connection, objects: Iterable[ReportObject]
    ) -> Iterator[str]:
        """Views by name, since PostgreSQL keeps no text of theirs; functions by their body."""
        views = set(inspect(connection).get_view_names(schema="report"))
        bodies = report.function_bodies(connection)
        for made in objects:
            if made.name not in (views if made.kind == "view" else bodies):
                yield f"report.{made.name}: missing {made.kind}"
            elif made.kind == "function" and bodies[made.name] != made.sql:
                yield f"report.{made.name}: its body is not what the contract says"


def _tidy(statement: str) -> str:
    lines = (line.rstrip().expandtabs(4) for line in statement.strip().splitlines())
    return "\n".join(lines) + ";"
