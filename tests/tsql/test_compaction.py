"""What compaction says to SQL Server, judged by Microsoft's parser."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.dialects import mssql

from tests.tsql.scriptdom import errors
from vigie.compaction.periods import begin_of, end_of
from vigie.contract.loader import load_feeds
from vigie.settings import HOME
from vigie.warehouse import core
from vigie.warehouse.fact_months import time_column
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.sqlserver import fact_months as statements
from vigie.warehouse.sqlserver.fact_months import SqlServerMonths

pytestmark = pytest.mark.tsql

TABLES = [core.alert, *(table for feed in load_feeds().values() for table in feed_tables(feed))]
MONTH = date(2026, 10, 1)
DIALECT = mssql.dialect()
FIXED = {
    "months": statements.MONTHS,
    "partition": statements.PARTITION,
    "measure": statements.MEASURE,
    "lock timeout": statements.LOCK_TIMEOUT,
    "no lock timeout": statements.NO_LOCK_TIMEOUT,
    "split": statements.split(MONTH),
}


def declared(sql: str) -> str:
    """The statement with its parameters as variables."""
    sent = re.sub(r":(\w+)", r"@\1", sql)
    return f"DECLARE @table nvarchar(200), @month date, @number int;\n{sent}"


@pytest.mark.parametrize("name", FIXED)
def test_what_is_asked_of_the_catalogue(name: str) -> None:
    assert errors(declared(FIXED[name])) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_done_to_a_month(table: Table) -> None:
    said = [
        statements.reorganize(table, 3),
        statements.rebuild(table, 3, compression="COLUMNSTORE"),
        statements.rebuild(table, 3, compression="COLUMNSTORE_ARCHIVE"),
        statements.truncate(table, 3),
        statements.statistics(table),
    ]
    assert errors("\nGO\n".join(said)) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_how_duplicates_are_looked_for(table: Table) -> None:
    keys, at = list(table.primary_key.columns), time_column(table)
    query = (
        select(*keys, func.count().label("found"))
        .where(at >= begin_of(MONTH), at < end_of(MONTH))
        .group_by(*keys)
        .having(func.count() > 1)
        .order_by(*keys)
        .limit(3)
    )
    hinted = SqlServerMonths().look_at_rows(None, query, table)
    sql = str(hinted.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True}))
    declared_times = "DECLARE @from datetime2(3), @to datetime2(3);\n"
    sent = re.sub(r"%\((\w+)\)s|:\w+", "@from", sql)
    assert errors(declared_times + sent) == []


@pytest.mark.parametrize("name", ["logins", "roles"])
def test_what_the_compose_file_runs(name: str) -> None:
    assert errors((HOME / "docker" / f"{name}.sql").read_text(), f"{name}.sql") == []
