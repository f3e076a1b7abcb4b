"""Every statement that `warehouse/sqlserver/` writes itself, for every feed, parsed and bound.

What SQLAlchemy writes is parsed as it comes over the wire: see `tests/tds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Table

from tests.tsql.parity import committed_files
from tests.tsql.scriptdom import errors, model, say
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.warehouse import core
from vigie.warehouse.feed_tables import PANE_SUMMARY, feed_tables, value_columns
from vigie.warehouse.session import Merge
from vigie.warehouse.sqlserver import ddl, fact_months, live, panes, roll_ups, sizes, statements
from vigie.warehouse.sqlserver.tables import fill_column, stages

pytestmark = pytest.mark.tsql

TIME = datetime(2026, 10, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
"""Names of parameters, and what stands for them here."""
VALUES = {
    "begin": "'2026-10-01T00:00:00'",
    "end": "'2026-11-01T00:00:00'",
    "month": "'2026-10-01'",
    "table": "N'fact.alert'",
    "number": "7",
    "schema": "N'ops'",
    "name": "N'gap'",
}


def of_a_feed(feed: Feed) -> Iterator[tuple[str, str]]:
    tables, stage = feed_tables(feed), {table.name: table for table in stages(feed)}
    for table in (tables.reading, tables.pane, *([tables.said] if tables.said is not None else [])):
        yield from of_a_table(table, f"{stage[f'{table.name}_load'].fullname} AS s")
    values = value_columns(feed)
    source = f"stage.{feed.name}_reading_load AS s"
    yield "compare", statements.compare_stored(tables.reading, values, source)
    source = f"stage.{feed.name}_pane_load AS s"
    yield "panes", panes.insert_panes(feed, source, TIME, TIME + DAY)
    yield "changed hours", roll_ups._changed(feed)
    yield "fill", fill_column(tables.pane, f"{next(iter(feed.fields))}_n")
    yield "hourly", roll_ups._insert(feed, tables.hourly, HOUR)
    yield "daily", roll_ups._insert(feed, tables.daily, DAY)
    for table in tables:
        yield from of_a_month(table)


def of_a_table(table: Table, source: str) -> Iterator[tuple[str, str]]:
    columns = [str(column.name) for column in table.columns]
    keys = [str(column.name) for column in table.primary_key.columns]
    merge: dict[str, Merge] = {}
    for name in columns:
        part = name.rpartition("_")[2]
        if name not in keys:
            merge[name] = PANE_SUMMARY.get(part, "replace")
    within = f" AND t.{keys[-1]} BETWEEN {VALUES['begin']} AND {VALUES['end']}"
    yield "insert", statements.insert_all(table, columns, source)
    yield "insert unknown", statements.insert_unknown(table, columns, source, within)
    yield "update known", statements.update_known(table, merge, source, within)
    yield "delete", statements.delete_equal(table, keys, source, within)


def of_a_month(table: Table) -> Iterator[tuple[str, str]]:
    yield "reorganize", fact_months.reorganize(table, 7)
    for compression in ("COLUMNSTORE", "COLUMNSTORE_ARCHIVE"):
        yield compression, fact_months.rebuild(table, 7, compression=compression)
    yield "truncate", fact_months.truncate(table, 7)
    yield "statistics", fact_months.statistics(table)


def of_all() -> dict[str, str]:
    found = {
        f"{feed.name} {count} {what}": sql
        for feed in load_feeds().values()
        for count, (what, sql) in enumerate(of_a_feed(feed))
    }
    found |= {f"alert {what}": sql for what, sql in of_a_month(core.alert)}
    found |= {name: getattr(fact_months, name) for name in ("MONTHS", "PARTITION", "MEASURE")}
    found |= {name: getattr(fact_months, name) for name in ("LOCK_TIMEOUT", "NO_LOCK_TIMEOUT")}
    found |= {name: getattr(live, name) for name in ("COLUMNS", "DEFINITIONS")}
    found |= {name: getattr(ddl, name) for name in ("LOCK", "UNLOCK", "JOURNAL", "CREATE_OPS")}
    found["table sizes"] = sizes.TABLE_SIZES
    found["split"] = fact_months.split(date(2031, 2, 1))
    return {name: re.sub(r"(?<![:\w]):(\w+)", _value, sql) for name, sql in found.items()}


def _value(match: re.Match[str]) -> str:
    return VALUES[match[1]]


def test_every_statement_is_t_sql_of_2019() -> None:
    found = [fault for name, sql in of_all().items() for fault in errors(sql, name)]

    assert say(found) == ""


def test_every_name_in_a_statement_is_there() -> None:
    assert say(model(committed_files(), of_all()).faults) == ""


def test_a_statement_of_a_column_that_is_gone_is_named() -> None:
    wrong = of_all()["fleet 8 compare"].replace("t.light", "t.lights")

    assert "lights" in say(model(committed_files(), {"compare": wrong}).faults)
