"""What a SQL Server has: columns and the text of views and functions, read from its catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, RowMapping, Table, text

from vigie.warehouse.ddl import LiveColumn, ReportObject

COLUMNS = """
SELECT c.COLUMN_NAME AS name,
       c.DATA_TYPE AS kind,
       c.CHARACTER_MAXIMUM_LENGTH AS size,
       c.DATETIME_PRECISION AS scale,
       c.COLLATION_NAME AS collation,
       c.IS_NULLABLE AS nullable,
       c.COLUMN_DEFAULT AS value,
       k.COLUMN_NAME AS key_column
FROM INFORMATION_SCHEMA.COLUMNS c
LEFT JOIN (SELECT u.TABLE_SCHEMA, u.TABLE_NAME, u.COLUMN_NAME
           FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS t
           JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE u
             ON u.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND u.CONSTRAINT_NAME = t.CONSTRAINT_NAME
           WHERE t.CONSTRAINT_TYPE = 'PRIMARY KEY') k
  ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
     AND k.COLUMN_NAME = c.COLUMN_NAME
WHERE c.TABLE_SCHEMA = :schema AND c.TABLE_NAME = :name
ORDER BY c.ORDINAL_POSITION
"""
DEFINITIONS = """
SELECT o.name, m.definition
FROM sys.sql_modules m
JOIN sys.objects o ON o.object_id = m.object_id
WHERE o.schema_id = SCHEMA_ID(N'report')
"""


def live_columns(connection: Connection, table: Table) -> dict[str, LiveColumn] | None:
    """The columns a table has; None if there is no such table."""
    where = {"schema": table.schema, "name": table.name}
    rows = connection.execute(text(COLUMNS), where).mappings().all()
    columns = {
        str(row["name"]): LiveColumn(
            kind=_kind(row),
            nullable=row["nullable"] == "YES",
            key=row["key_column"] is not None,
            has_default=row["value"] is not None,
        )
        for row in rows
    }
    return columns or None


def report_drift(connection: Connection, objects: Iterable[ReportObject]) -> Iterator[str]:
    """The server keeps the whole statement that made a view or function."""
    found = {name: sql for name, sql in connection.execute(text(DEFINITIONS))}
    for made in objects:
        if made.name not in found:
            yield f"report.{made.name}: missing {made.kind}"
        elif _words(found[made.name]) != _words(made.create):
            yield f"report.{made.name}: its body is not what the contract says"


def _kind(row: RowMapping) -> str:
    """The type as the dialect writes it; a size of -1 is max."""
    name = str(row["kind"])
    if name in ("nvarchar", "varbinary"):
        size = "max" if row["size"] == -1 else row["size"]
        collation = f" COLLATE {row['collation']}" if row["collation"] else ""
        return f"{name.upper()}({size}){collation}"
    if name == "datetime2":
        return f"DATETIME2({row['scale']})"
    return {"int": "INTEGER", "float": "FLOAT(53)"}.get(name, name.upper())


def _words(sql: str) -> list[str]:
    return sql.strip().removesuffix(";").split()
