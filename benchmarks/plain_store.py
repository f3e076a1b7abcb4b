"""Where the plain loop stores: tables equal to Vigie's in the schema `plain`, by binary COPY."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from vigie.contract.feed import Feed
from vigie.streaming.flag import flag_column
from vigie.streaming.panes import summarise
from vigie.warehouse import core
from vigie.warehouse.engines import warehouse_url
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY, feed_tables

Row = tuple[Any, ...]
READINGS, PANES, LEDGER, REJECTS = (
    f"plain.{name}" for name in ("reading", "pane", "ledger", "reject")
)
_MERGE = {
    "sum": "{c} = t.{c} + excluded.{c}",
    "min": "{c} = least(t.{c}, excluded.{c})",
    "max": "{c} = greatest(t.{c}, excluded.{c})",
}


class PlainStore:
    """One connection; one transaction per batch: readings, panes, rejects, ledger."""

    def __init__(self, feed: Feed, topic_id: str) -> None:
        self._feed, self._topic_id = feed, topic_id
        self._tables = feed_tables(feed)
        self._sensors: dict[str, int] = {}
        url = make_url(warehouse_url("owner")).set(drivername="postgresql")
        self._connection = psycopg.connect(url.render_as_string(hide_password=False))
        stage = f"CREATE TEMPORARY TABLE pane_stage (LIKE {PANES}) ON COMMIT DELETE ROWS"
        self._connection.execute(stage)

    def number_sensor(self, sensor: str) -> int:
        """The sensor's number, given when it is first seen."""
        return self._sensors.setdefault(sensor, len(self._sensors) + 1)

    def commit(
        self,
        accepted: Sequence[Row],
        rejected: Sequence[Row],
        ranges: Mapping[int, tuple[int, int]],
        batch_no: int,
    ) -> None:
        """Store a batch; the rows have the columns of their tables, rejects those of `_copy`."""
        reading = self._tables.reading
        self._copy(READINGS, _types(reading, reading.columns.keys()), accepted)
        panes = self._summarise(accepted)
        self._copy("pane_stage", _types(self._tables.pane, panes.column_names), _rows(panes))
        self._merge_panes(panes.column_names)
        names = ["feed", "topic_id", "kafka_partition", "kafka_offset", "append_time"]
        names += ["reason", "detail", "raw", "batch_no"]
        origin = (self._feed.name, self._topic_id)
        rows = ((*origin, *row, batch_no) for row in rejected)
        self._copy(REJECTS, _types(core.quarantine, names), rows)
        self._write_ledger(accepted, ranges, batch_no)
        self._connection.commit()

    def _summarise(self, accepted: Sequence[Row]) -> pa.Table:
        """The stream's own function; no alert rule was evaluated."""
        names = ["sensor_id", "event_time", *self._feed.fields]
        kinds = [pa.int32(), pa.timestamp("us", tz="UTC"), *[pa.float64()] * len(self._feed.fields)]
        columns = zip(*accepted, strict=True)
        values = [pa.array(c, kind) for c, kind in zip(columns, kinds, strict=False)]
        none = pa.repeat(False, len(accepted))
        flags = {flag_column(rule): none for rule in self._feed.alerts}
        return summarise(pa.table(dict(zip(names, values, strict=True)) | flags), self._feed)

    def _merge_panes(self, names: Sequence[str]) -> None:
        merges = dict.fromkeys(PANE_COUNTS, "sum")
        for field in self._feed.fields:
            merges |= {f"{field}_{part}": merge for part, merge in PANE_SUMMARY.items()}
        sets = ", ".join(_MERGE[how].format(c=name) for name, how in merges.items())
        columns = ", ".join(names)
        self._connection.execute(
            f"INSERT INTO {PANES} AS t ({columns}) SELECT {columns} FROM pane_stage "
            f"ON CONFLICT (sensor_id, pane_start) DO UPDATE SET {sets}"
        )

    def _write_ledger(
        self, accepted: Sequence[Row], ranges: Mapping[int, tuple[int, int]], batch_no: int
    ) -> None:
        stored = Counter(row[-3] for row in accepted)
        for partition, (begin, end) in ranges.items():
            count = end - begin
            key = (self._feed.name, self._topic_id, partition, begin, end, batch_no)
            counts = (count, stored[partition], count - stored[partition])
            self._connection.execute(
                f"INSERT INTO {LEDGER} (feed, topic_id, kafka_partition, begin_offset, end_offset, "
                "batch_no, launch, messages_read, stored, copies, conflicts, quarantined, control) "
                "VALUES (%s, %s, %s, %s, %s, %s, 0, %s, %s, 0, 0, %s, 0)",
                (*key, *counts),
            )

    def _copy(self, table: str, types: Mapping[str, str], rows: Iterable[Row]) -> None:
        statement = f"COPY {table} ({', '.join(types)}) FROM STDIN (FORMAT BINARY)"
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(types.values()))
            for row in rows:
                copy.write_row(row)


def make_tables(connection: psycopg.Connection, feed: Feed) -> None:
    """Same columns, keys, indexes and partitioning; one partition, as for one month."""
    tables = feed_tables(feed)
    connection.execute("CREATE SCHEMA plain AUTHORIZATION vigie_owner")
    connection.execute("SET ROLE vigie_owner")
    for name, table, time in (
        (READINGS, tables.reading, "event_time"),
        (PANES, tables.pane, "pane_start"),
    ):
        like = f"(LIKE {table.fullname} INCLUDING ALL)"
        connection.execute(f"CREATE TABLE {name} {like} PARTITION BY RANGE ({time})")
        bounds = "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"
        connection.execute(f"CREATE TABLE {name}_all PARTITION OF {name} {bounds}")
    for name, table in ((LEDGER, core.ledger), (REJECTS, core.quarantine)):
        connection.execute(f"CREATE TABLE {name} (LIKE {table.fullname} INCLUDING ALL)")
    connection.execute("RESET ROLE")


def _types(table: Table, names: Iterable[str]) -> dict[str, str]:
    dialect = postgresql.dialect()
    return {name: table.c[name].type.compile(dialect=dialect).lower() for name in names}


def _rows(table: pa.Table) -> Iterable[Row]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
