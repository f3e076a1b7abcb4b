"""How large each table of the warehouse is, as its database tells without looking at rows."""

from __future__ import annotations

from sqlalchemy import Connection, text

from vigie.warehouse.postgres import sizes as postgres
from vigie.warehouse.sqlserver import sizes as sqlserver

_QUERIES = {"postgresql": postgres.TABLE_SIZES, "mssql": sqlserver.TABLE_SIZES}


def table_sizes(connection: Connection) -> dict[str, int]:
    """Bytes of each table of `dim`, `fact` and `ops` with its indexes, by `schema.table`."""
    rows = connection.execute(text(_QUERIES[connection.dialect.name]))
    return {row.name: int(row.bytes or 0) for row in rows}
