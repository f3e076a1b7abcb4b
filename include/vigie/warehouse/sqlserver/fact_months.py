"""`FactMonths` on SQL Server: a month is a partition of a clustered columnstore index.

Parsed by Microsoft's parser as of SQL Server 2019, and never run on a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, text
from sqlalchemy.exc import DBAPIError

from vigie.errors import CompactionBusy
from vigie.warehouse.fact_months import Density, later_month

AHEAD = 24
"""Months whose partitions exist before their time: one that has rows cannot be split."""
SELF_MERGING = 102_400
"""REORGANIZE by itself removes the deleted rows of a row group with as many, and of no other."""
HALF_A_GROUP = 524_288
"""Two row groups with no more rows fit into one."""
_LOCK_TIMEOUT = 1222
_DEADLOCK = 1205

MONTHS = """
SELECT CONVERT(date, CONVERT(datetime2(3), v.value)) AS month
FROM sys.partitions AS p
JOIN sys.partition_functions AS f ON f.name = N'vigie_month'
JOIN sys.partition_range_values AS v
    ON v.function_id = f.function_id AND v.boundary_id = p.partition_number - 1
WHERE p.object_id = OBJECT_ID(:table) AND p.index_id = 1 AND p.rows > 0
ORDER BY month
"""
PARTITION = "SELECT $PARTITION.vigie_month(CAST(:month AS datetime2(3))) AS number"
MEASURE = f"""
SELECT COALESCE(SUM(CASE WHEN g.state = 3 THEN 1 ELSE 0 END), 0) AS groups,
       COALESCE(SUM(CASE WHEN g.state IN (1, 2, 3) THEN g.total_rows - COALESCE(g.deleted_rows, 0)
                         ELSE 0 END), 0) AS stored,
       COALESCE(SUM(CASE WHEN g.state IN (1, 2) THEN g.total_rows ELSE 0 END), 0) AS loose,
       COALESCE(SUM(CASE WHEN g.state = 3 THEN g.deleted_rows ELSE 0 END), 0) AS dead,
       COALESCE(SUM(CASE WHEN g.state = 3 AND g.deleted_rows < {SELF_MERGING}
                         THEN g.deleted_rows ELSE 0 END), 0) AS stubborn,
       COALESCE(SUM(CASE WHEN g.state = 3 AND g.trim_reason_desc <> N'DICTIONARY_SIZE'
                              AND g.total_rows - g.deleted_rows <= {HALF_A_GROUP}
                         THEN 1 ELSE 0 END), 0) AS small,
       COALESCE(SUM(g.size_in_bytes), 0) AS bytes,
       (SELECT MAX(p.data_compression_desc) FROM sys.partitions AS p
        WHERE p.object_id = OBJECT_ID(:table) AND p.index_id = 1
          AND p.partition_number = :number) AS compression
FROM sys.dm_db_column_store_row_group_physical_stats AS g
WHERE g.object_id = OBJECT_ID(:table) AND g.partition_number = :number
"""
LOCK_TIMEOUT = "SET LOCK_TIMEOUT 5000"
NO_LOCK_TIMEOUT = "SET LOCK_TIMEOUT -1"


def reorganize(table: Table, number: int) -> str:
    """Compress delta stores and merge row groups, online."""
    return (
        f"ALTER INDEX {table.name}_columns ON {table.fullname} "
        f"REORGANIZE PARTITION = {number} WITH (COMPRESS_ALL_ROW_GROUPS = ON)"
    )


def rebuild(table: Table, number: int, *, compression: str) -> str:
    """Store one partition anew; `compression` is COLUMNSTORE or COLUMNSTORE_ARCHIVE."""
    return (
        f"ALTER INDEX {table.name}_columns ON {table.fullname} "
        f"REBUILD PARTITION = {number} WITH (DATA_COMPRESSION = {compression})"
    )


def truncate(table: Table, number: int) -> str:
    """Remove the rows of one partition."""
    return f"TRUNCATE TABLE {table.fullname} WITH (PARTITIONS ({number}))"


def split(month: date) -> str:
    """Part the empty last partition at the begin of a month, if there is no such boundary yet."""
    begin = f"'{month:%Y-%m-%d}'"
    return (
        "IF NOT EXISTS (SELECT 1 FROM sys.partition_range_values AS v "
        "JOIN sys.partition_functions AS f ON f.function_id = v.function_id "
        f"WHERE f.name = N'vigie_month' AND CONVERT(datetime2(3), v.value) = {begin})\n"
        "BEGIN\n"
        "    ALTER PARTITION SCHEME vigie_month NEXT USED [PRIMARY];\n"
        f"    ALTER PARTITION FUNCTION vigie_month () SPLIT RANGE ({begin});\n"
        "END"
    )


def statistics(table: Table) -> str:
    """Let the optimiser know the month."""
    return f"UPDATE STATISTICS {table.fullname}"


class SqlServerMonths:
    """REORGANIZE runs beside readers and loads; REBUILD has its partition to itself."""

    def months(self, connection: Connection, table: Table) -> Sequence[date]:
        """The partitions that have rows."""
        return list(connection.scalars(text(MONTHS), {"table": table.fullname}))

    def marker(self, connection: Connection, table: Table, month: date) -> str:
        """What the row groups hold: a change deletes rows, or brings some to a delta store."""
        row = _row(connection, table, month)
        told = (row.stored, row.loose, row.groups, row.dead, row.bytes, row.compression)
        return ":".join(map(str, told))

    def measure(
        self, connection: Connection, table: Table, month: date, since: str | None
    ) -> Density:
        """From the row groups' catalogue; no row is read."""
        return density(_row(connection, table, month))

    def look_at_rows(self, connection: Connection, query: Select[Any], table: Table) -> Select[Any]:
        """The columnstore has the rows; the key beside it may be damaged."""
        return query.with_hint(table, f"WITH (INDEX({table.name}_columns))", "mssql")

    def tidy(self, engine: Engine, table: Table, month: date) -> None:
        """REORGANIZE, which commits as it goes, then statistics."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(NO_LOCK_TIMEOUT))
            connection.execute(text(reorganize(table, _number(connection, month))))
            connection.execute(text(statistics(table)))

    def rewrite(self, engine: Engine, table: Table, month: date) -> None:
        """REBUILD of the one partition, with the compression it has."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            compression = _row(connection, table, month).compression
            _alone(
                connection,
                rebuild(table, _number(connection, month), compression=compression),
                *(table, month),
            )
            connection.execute(text(statistics(table)))

    def archive(self, engine: Engine, table: Table, month: date) -> None:
        """REBUILD for about a third less space, and slower reads."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            number = _number(connection, month)
            statement = rebuild(table, number, compression="COLUMNSTORE_ARCHIVE")
            _alone(connection, statement, table, month)

    def remove(self, connection: Connection, table: Table, month: date) -> None:
        """TRUNCATE of the one partition; its place stays."""
        _alone(connection, truncate(table, _number(connection, month)), table, month)

    def prepare(self, engine: Engine, table: Table, this: date) -> None:
        """Split the empty end of the function that all fact tables share."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for count in range(1, AHEAD + 1):
                connection.execute(text(split(later_month(this, count))))


def density(row: Any) -> Density:
    """The density of a partition that `MEASURE` looked at."""
    return Density(
        rows=row.stored,
        groups=row.groups,
        dead=row.dead,
        stubborn=row.stubborn,
        loose=row.loose,
        bytes=row.bytes,
        mergeable=row.small > 1,
        archived=row.compression == "COLUMNSTORE_ARCHIVE",
    )


def _number(connection: Connection, month: date) -> int:
    return int(connection.execute(text(PARTITION), {"month": month}).scalar_one())


def _row(connection: Connection, table: Table, month: date) -> Any:
    values = {"table": table.fullname, "number": _number(connection, month)}
    return connection.execute(text(MEASURE), values).one()


def _alone(connection: Connection, statement: str, table: Table, month: date) -> None:
    """Run what needs the partition to itself; others queue behind it while it waits for it."""
    connection.execute(text(LOCK_TIMEOUT))
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        if next(iter(getattr(error.orig, "args", ())), None) not in (_LOCK_TIMEOUT, _DEADLOCK):
            raise
        message = (
            f"{table.fullname} {month:%Y-%m}: others did not let go of it within 5 s; it is as "
            "before. Run it again when less is going on"
        )
        raise CompactionBusy(message) from error
