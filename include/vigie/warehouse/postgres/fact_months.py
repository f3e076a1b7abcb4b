"""`FactMonths` on PostgreSQL: a month is a partition of its own, `<table>_YYYYMM`."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, func, select, text
from sqlalchemy.exc import OperationalError

from vigie.errors import CompactionBusy
from vigie.warehouse.fact_months import Density, later_month, time_column
from vigie.warehouse.postgres.density import MEASURE, density

_CHILDREN = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = to_regclass(:table) ORDER BY 1"
)
_CHANGES = text(
    "SELECT s.relid, n_tup_ins + n_tup_upd + n_tup_del AS changes FROM pg_stat_all_tables s "
    "WHERE s.relid = to_regclass(:month)"
)
_BRIN = text(
    "SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin' WHERE i.indrelid = to_regclass(:month)"
)
AHEAD = 2
"""Months whose partitions exist before their time."""
_TRIES = 3
_WAIT = 5
"""Seconds for a lock: whoever queues behind one that waits would wait for as long as it does."""
_LOCKED = ("55P03", "40P01")
"""No lock within lock_timeout; deadlock."""


class PostgresMonths:
    """Partitions are frozen and analysed beside all others, and rewritten by CLUSTER."""

    def months(self, connection: Connection, table: Table) -> Sequence[date]:
        """The partitions, by their names."""
        names = connection.scalars(_CHILDREN, {"table": table.fullname})
        found = (re.fullmatch(rf"{table.name}_(\d{{4}})(\d\d)", name) for name in names)
        return [date(int(match[1]), int(match[2]), 1) for match in found if match]

    def marker(self, connection: Connection, table: Table, month: date) -> str:
        """The partition, and how many rows came, changed and went since the statistics began."""
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        row = connection.execute(_CHANGES, {"month": _partition(table, month)}).one_or_none()
        return "" if row is None else f"{row.relid}:{row.changes}"

    def measure(
        self, connection: Connection, table: Table, month: date, since: str | None
    ) -> Density:
        """Read the partition once."""
        partition = _partition(table, month)
        marker = self.marker(connection, table, month)
        row = connection.execute(
            text(MEASURE.format(partition=partition)), {"month": partition}
        ).one()
        return density(row, loose=_changes(since, marker))

    def look_at_rows(self, connection: Connection, query: Select[Any], table: Table) -> Select[Any]:
        """A damaged index would hide what it should have refused."""
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            connection.execute(text(f"SET LOCAL enable_{kind} = off"))
        return query

    def tidy(self, engine: Engine, table: Table, month: date) -> None:
        """Freeze, analyse, and sum up pages that the BRIN index does not know yet."""
        partition = _partition(table, month)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM (FREEZE, ANALYZE, INDEX_CLEANUP ON) {partition}"))
            for (index,) in connection.execute(_BRIN, {"month": partition}).all():
                connection.execute(select(func.brin_summarize_new_values(index)))

    def rewrite(self, engine: Engine, table: Table, month: date) -> None:
        """CLUSTER by time in one transaction, which has the partition to itself."""
        for last in (number == _TRIES for number in range(1, _TRIES + 1)):
            try:
                with engine.begin() as connection:
                    _cluster(connection, table, month)
            except OperationalError as error:
                _refuse_unless_locked(error, table, month, last=last)
                time.sleep(1)
            else:
                break
        self.tidy(engine, table, month)

    def archive(self, engine: Engine, table: Table, month: date) -> None:
        """There is no denser form."""

    def remove(self, connection: Connection, table: Table, month: date) -> None:
        """Drop the partition."""
        connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}s'"))
        try:
            connection.execute(text(f"DROP TABLE {_partition(table, month)}"))
        except OperationalError as error:
            _refuse_unless_locked(error, table, month, last=True)

    def prepare(self, engine: Engine, table: Table, this: date) -> None:
        """Make and attach empty partitions, so that no batch has to."""
        for count in range(AHEAD + 1):
            with engine.begin() as connection:
                month = later_month(this, count)
                connection.execute(select(func.ops.ensure_month(table.name, month)))


def _cluster(connection: Connection, table: Table, month: date) -> None:
    partition, at = _partition(table, month), time_column(table)
    index = f"in_order_of_time_{zlib.crc32(partition.encode()):08x}"
    columns = ", ".join([at.name, *(key.name for key in table.primary_key if key is not at)])
    connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}s'"))
    # A client that was killed must not have the partition until the end.
    connection.execute(text("SET LOCAL client_connection_check_interval = '2s'"))
    connection.execute(text("SET LOCAL maintenance_work_mem = '128MB'"))
    connection.execute(text(f"LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"CREATE INDEX {index} ON {partition} ({columns})"))
    connection.execute(text(f"CLUSTER {partition} USING {index}"))
    connection.execute(text(f"DROP INDEX {table.schema}.{index}"))


def _partition(table: Table, month: date) -> str:
    return f"{table.fullname}_{month:%Y%m}"


def _changes(since: str | None, marker: str) -> int | None:
    """Rows that changed between two markers; None if they do not compare."""
    if not since:
        return None
    (was, before), (now, after) = since.split(":"), marker.split(":")
    return int(after) - int(before) if was == now and int(after) >= int(before) else None


def _refuse_unless_locked(
    error: OperationalError, table: Table, month: date, *, last: bool
) -> None:
    """Return if a lock was not to be had and there is another trial."""
    if getattr(error.orig, "sqlstate", None) not in _LOCKED:
        raise error
    if last:
        message = (
            f"{_partition(table, month)}: others did not let go of it within {_WAIT} s, tried "
            f"{_TRIES} times at most; it is as before. Run it again when less is going on"
        )
        raise CompactionBusy(message) from error
