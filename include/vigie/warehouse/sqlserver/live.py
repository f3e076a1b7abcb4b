"""What a SQL Server has: columns and the text of views and functions, read from its catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, RowMapping, Table, text

from vigie.warehouse.ddl import LiveColumn, ReportObject

COLUMNS = """
SELECT c.name,
       TYPE_NAME(c.user_type_id) AS kind,
       c.max_length AS size,
       c.scale,
       c.collation_name AS collation,
       c.is_nullable,
       CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 THEN 1 ELSE 0 END AS has_default,
       CASE WHEN k.column_id IS NULL THEN 0 ELSE 1 END AS is_key
FROM sys.columns AS c
LEFT JOIN (SELECT ic.object_id, ic.column_id
           FROM sys.indexes AS i
           JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
           WHERE i.is_primary_key = 1 AND ic.key_ordinal > 0) AS k
  ON k.object_id = c.object_id AND k.column_id = c.column_id
WHERE c.object_id = OBJECT_ID(:name)
ORDER BY c.column_id
"""
DEFINITIONS = """
SELECT o.name, m.definition
FROM sys.sql_modules m
JOIN sys.objects o ON o.object_id = m.object_id
WHERE o.schema_id = SCHEMA_ID(N'report')
"""
_BYTES = {"nvarchar": 2, "varbinary": 1}
"""How many bytes of a type its length counts as one."""


def live_columns(connection: Connection, table: Table) -> dict[str, LiveColumn] | None:
    """The columns a table has; None if there is no such table."""
    rows = connection.execute(text(COLUMNS), {"name": table.fullname}).mappings().all()
    columns = {
        str(row["name"]): LiveColumn(
            kind=_kind(row),
            nullable=bool(row["is_nullable"]),
            key=bool(row["is_key"]),
            has_default=bool(row["has_default"]),
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
    """The type as the dialect writes it; a size is in bytes, and -1 is max."""
    name = str(row["kind"])
    if name in _BYTES:
        size = "max" if row["size"] == -1 else row["size"] // _BYTES[name]
        collation = f" COLLATE {row['collation']}" if row["collation"] else ""
        return f"{name.upper()}({size}){collation}"
    if name == "datetime2":
        return f"DATETIME2({row['scale']})"
    return {"int": "INTEGER", "float": "FLOAT(53)"}.get(name, name.upper())


def _words(sql: str) -> list[str]:
    return sql.strip().removesuffix(";").split()
