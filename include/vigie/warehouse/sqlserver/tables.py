"""A feed's tables in T-SQL: facts as columnstore by month, each with a heap to load through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateColumn

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import feed_tables

DIALECT: Any = mssql.dialect()
# As of SQL Server 2019, whoever is connected: without it DATE would be written DATETIME.
DIALECT.server_version_info = (15, 0)
DIALECT._setup_version_attributes()

MONTHS = "vigie_month"
"""The partition function, and the scheme of the same name, that every fact table lies on."""
ROW_NUMBER = "row_number"
"""Numbers the rows of a stage for those who ask which of them are stored."""


def stages(feed: Feed) -> list[Table]:
    """The heaps that the feed's readings, panes and predictions are loaded through.

    All columns may be null, so that one holds keys alone too. One writer per feed, by the fence.
    """
    tables = feed_tables(feed)
    loaded = [tables.reading, tables.pane, *([tables.said] if tables.said is not None else [])]
    return [_stage(table) for table in loaded]


def _stage(table: Table) -> Table:
    columns = [Column(str(column.name), column.type) for column in table.columns]
    name = f"{table.name}_load"
    return Table(name, MetaData(), *columns, Column(ROW_NUMBER, BigInteger), schema="stage")


def create_table(table: Table) -> Iterator[str]:
    """A fact table, or the heap of one."""
    columns = ",\n".join(f"    {_spec(column)}" for column in table.columns)
    if table.schema == "stage":
        yield f"CREATE TABLE {table.fullname} (\n{columns}\n)"
        return
    keys = [str(column.name) for column in table.primary_key.columns]
    where = f"ON {MONTHS} ({keys[-1]})"
    yield (
        f"CREATE TABLE {table.fullname} (\n{columns},\n"
        f"    CONSTRAINT {table.name}_key PRIMARY KEY NONCLUSTERED ({', '.join(keys)}) {where}\n"
        f") {where}"
    )
    yield f"CREATE CLUSTERED COLUMNSTORE INDEX {table.name}_columns ON {table.fullname} {where}"


def add_column(table: Table, column: Column[Any]) -> str:
    """Rows that are there get null, or 0 where the column says that there is always a number."""
    zero = "" if column.nullable else f" CONSTRAINT {table.name}_{column.name}_zero DEFAULT 0"
    return f"ALTER TABLE {table.fullname} ADD {_spec(column)}{zero}"


def fill_column(table: Table, name: str) -> str:
    """New rows get 0; a column that was added has that default already, and may have no second."""
    return (
        "IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE default_object_id <> 0\n"
        f"    AND object_id = OBJECT_ID(N'{table.fullname}') AND name = N'{name}')\n"
        f"ALTER TABLE {table.fullname} ADD CONSTRAINT {table.name}_{name}_zero DEFAULT 0 FOR {name}"
    )


def _spec(column: Column[Any]) -> str:
    return str(CreateColumn(column).compile(dialect=DIALECT)).strip()
