"""Bulk loads into SQL Server: through heaps of numbers and times, inside one transaction.

The driver holds Python's lock while a bulk load waits, so it loads into a heap that nobody else
touches; what may wait for others is a plain statement. It garbles text in a bulk load, so rows
with text are written out in statements, a few hundred at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pymssql
from pymssql import _mssql
from sqlalchemy import URL, Delete, Executable, Table
from sqlalchemy.dialects.mssql import pymssql as dialect
from sqlalchemy.engine import Compiled

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Merge, SessionId
from vigie.warehouse.sqlserver import statements
from vigie.warehouse.sqlserver.connecting import arguments
from vigie.warehouse.sqlserver.errors import translated
from vigie.warehouse.sqlserver.literals import literal
from vigie.warehouse.sqlserver.panes import delete_panes, insert_panes
from vigie.warehouse.sqlserver.rows import as_arrow, derived_tables, loadable, with_zone

_DIALECT = dialect.dialect(paramstyle="pyformat")
_DIALECT.server_version_info = (15, 0)  # type: ignore[assignment]
_DIALECT._setup_version_attributes()
_PARAMETER = re.compile(r"%\((\w+)\)s")


class SqlServerSession:
    """A `Session` on SQL Server.

    Args:
        url: With the driver pymssql.
        name: What the server shows as this program.
    """

    def __init__(self, url: URL, name: str) -> None:
        login: dict[str, Any] = url.translate_connect_args(username="user", host="server")
        login["port"] = str(login.get("port", 1433))
        login |= dict(url.query) | arguments(session=name)
        with translated():
            self._connection = pymssql.connect(**login)
        self._columns: dict[str, dict[str, int]] = {}

    def identify(self) -> SessionId:
        """The session's number and its start, by the server's local clock: only who equals whom."""
        sql = (
            "SELECT session_id, CAST(login_time AS datetime2(3)) AS started_at "
            "FROM sys.dm_exec_sessions WHERE session_id = @@SPID"
        )
        row = self._rows(sql)[0]
        return SessionId(session_id=row["session_id"], started_at=row["started_at"])

    def run(self, statement: Executable) -> list[dict[str, Any]]:
        """Run one statement and return its rows, if it has any."""
        return self._rows(_written(statement))

    def append(self, table: Table, rows: pa.Table) -> None:
        """Load rows through the table's stage, or written out."""
        for source, _ in self._sources(table, rows):
            self._change(statements.insert_all(table, rows.column_names, source))

    def upsert(self, table: Table, rows: pa.Table, merge: Mapping[str, Merge]) -> None:
        """Update what is stored, then insert what is not."""
        for source, within in self._sources(table, rows):
            if merge:
                self._change(statements.update_known(table, merge, source, within))
            self._change(statements.insert_unknown(table, rows.column_names, source, within))

    def find_stored(
        self, table: Table, rows: pa.Table, values: Sequence[str]
    ) -> tuple[pa.Array, pa.Array]:
        """Join with the table's stage, limited to the partitions the rows lie in."""
        keys = [column.name for column in table.primary_key]
        count = pa.array(range(rows.num_rows), pa.int64())
        numbered = rows.select([*keys, *values]).append_column("row_number", count)
        found: list[dict[str, Any]] = []
        for source, within in self._sources(table, numbered):
            found += self._rows(statements.compare_stored(table, values, source, within))
        numbers = pa.array([row["row_number"] for row in found], pa.int64())
        return numbers, pa.array([bool(row["same"]) for row in found], pa.bool_())

    def read(self, statement: Executable, schema: pa.Schema) -> pa.Table:
        """Fetch all rows at once."""
        with translated(), self._connection.cursor() as cursor:
            cursor.execute(_written(statement))
            return as_arrow(cursor.fetchall(), schema)

    def remove(self, table: Table, keys: pa.Table) -> int:
        """Join with the table's stage, limited to the partitions the keys lie in."""
        return sum(
            self._change(statements.delete_equal(table, keys.column_names, source, within))
            for source, within in self._sources(table, keys)
        )

    def delete(self, statement: Delete) -> int:
        """Run a deletion; how many rows went."""
        return self._change(_written(statement))

    def recompute_panes(self, feed: Feed, days: pa.Table) -> None:
        """Aggregate in the database: no reading leaves it."""
        bounds = pc.min_max(days["pane_start"]).as_py()
        for source, _ in self._sources(feed_tables(feed).pane, days):
            for statement in (delete_panes, insert_panes):
                self._change(statement(feed, source, bounds["min"], bounds["max"]))

    def commit(self) -> None:
        """Commit."""
        with translated():
            self._connection.commit()

    def rollback(self) -> None:
        """Undo the transaction."""
        with suppress(pymssql.Error, _mssql.MSSQLException):
            self._connection.rollback()

    def close(self) -> None:
        """End the session."""
        with suppress(pymssql.Error, _mssql.MSSQLException):
            self._connection.close()

    def _sources(self, table: Table, rows: pa.Table) -> Iterable[tuple[str, str]]:
        """Rows as what a statement can join: a stage, or parts that are written out.

        With each goes a condition on `t` that names the span of time the rows lie in.
        """
        if not rows.num_rows:
            return
        within = _within(table, rows)
        stage = f"stage.{table.name}_load"
        if self._ids(stage):
            self._load(stage, rows)
            yield f"{stage} AS s", within
        else:
            for source in derived_tables(rows):
                yield source, within

    def _load(self, stage: str, rows: pa.Table) -> None:
        # What an earlier step left; the lock of the whole heap lets go of its pages.
        self._change(f"DELETE FROM {stage} WITH (TABLOCK)")
        numbers = [self._ids(stage)[name] for name in rows.column_names]
        values = loadable(rows)
        with translated():
            # By default each thousand rows would be a batch of their own.
            self._connection.bulk_copy(stage, values, column_ids=numbers, batch_size=len(values))

    def _ids(self, stage: str) -> dict[str, int]:
        """The numbers of a stage's columns; none where a table has no stage."""
        if stage not in self._columns:
            query = (
                f"SELECT name, column_id FROM sys.columns WHERE object_id = OBJECT_ID(N'{stage}')"
            )
            self._columns[stage] = {row["name"]: row["column_id"] for row in self._rows(query)}
        return self._columns[stage]

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        with translated(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            if not cursor.description:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(with_zone, row), strict=True)) for row in cursor.fetchall()]

    def _change(self, sql: str) -> int:
        with translated(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.rowcount)


def _written(statement: Executable) -> str:
    """A statement with its values written out, which the driver would do less carefully."""
    compiled: Compiled = statement.compile(  # type: ignore[attr-defined]
        dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
    )
    values = compiled.construct_params() or {}
    return _PARAMETER.sub(lambda found: literal(values[found[1]]), str(compiled))


def _within(table: Table, rows: pa.Table) -> str:
    """Only of a time that is part of the key: by any other, a row that is stored may be missed."""
    for column in table.primary_key:
        if column.name in rows.column_names and pa.types.is_timestamp(rows[column.name].type):
            bounds = pc.min_max(rows[column.name]).as_py()
            low, high = (literal(bounds[end]) for end in ("min", "max"))
            return f" AND t.{column.name} BETWEEN {low} AND {high}"
    return ""
