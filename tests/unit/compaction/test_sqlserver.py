"""Compaction on SQL Server: its statements, and how its catalogue is read. No server runs here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects import mssql
from sqlalchemy.exc import OperationalError

from vigie.compaction.policy import next_step
from vigie.contract.loader import load_feeds
from vigie.errors import CompactionBusy
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.sqlserver import fact_months as statements
from vigie.warehouse.sqlserver.fact_months import SqlServerMonths, density

pytestmark = pytest.mark.unit

TABLE = feed_tables(next(iter(load_feeds().values()))).reading
MONTH = date(2026, 10, 1)
COMPRESSED = {"stored": 2_000_000, "groups": 2, "dead": 0, "stubborn": 0, "loose": 0, "small": 0}


def row(**changes: object) -> SimpleNamespace:
    told = COMPRESSED | {"bytes": 10_000_000, "compression": "COLUMNSTORE"} | changes
    return SimpleNamespace(**told)


@pytest.mark.parametrize(
    ("changes", "cold", "step"),
    [
        ({}, False, None),
        ({"loose": 5_000, "stored": 2_005_000}, False, "tidy"),
        ({"small": 1}, False, None),
        ({"small": 2, "groups": 3}, False, "tidy"),
        # Row groups with 102,400 deleted rows and more: REORGANIZE removes those.
        ({"dead": 300_000}, False, "tidy"),
        # The same number, spread over small groups that it never touches.
        ({"dead": 300_000, "stubborn": 300_000}, False, "rewrite"),
        ({"dead": 100_000, "stubborn": 100_000}, False, None),
        ({}, True, "archive"),
        ({"compression": "COLUMNSTORE_ARCHIVE"}, True, None),
    ],
)
def test_what_the_row_groups_ask_for(
    changes: dict[str, object], cold: bool, step: str | None
) -> None:
    assert next_step(density(row(**changes)), cold=cold) == step


class Recorder:
    """A connection that answers with prepared rows and remembers what it was asked."""

    def __init__(self, refuse: str = "", number: int = 0) -> None:
        self.asked: list[str] = []
        self._refuse, self._number = refuse, number

    def execute(self, statement: Any, values: dict[str, Any] | None = None) -> Any:
        sql = str(statement)
        self.asked.append(sql)
        if self._refuse and self._refuse in sql:
            raise OperationalError(sql, None, Exception(self._number, b"no lock"))
        found = row() if "row_group" in sql else 322
        return SimpleNamespace(one=lambda: found, scalar_one=lambda: found)

    def connect(self) -> Recorder:
        return self

    def execution_options(self, **options: str) -> Recorder:
        assert options == {"isolation_level": "AUTOCOMMIT"}
        return self

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def said(asked: Sequence[str], word: str) -> list[str]:
    return [sql for sql in asked if word in sql]


def test_each_step_touches_its_partition_alone() -> None:
    months = SqlServerMonths()
    for step, word in (("tidy", "REORGANIZE"), ("rewrite", "REBUILD"), ("archive", "ARCHIVE")):
        server = Recorder()
        getattr(months, step)(server, TABLE, MONTH)
        (statement,) = said(server.asked, word)
        assert f"ON {TABLE.fullname} " in statement
        assert "PARTITION = 322 " in statement
    server = Recorder()
    months.remove(server, TABLE, MONTH)
    assert said(server.asked, "TRUNCATE") == [
        f"TRUNCATE TABLE {TABLE.fullname} WITH (PARTITIONS (322))"
    ]


def test_a_rewrite_keeps_the_compression_of_the_month() -> None:
    server = Recorder()
    SqlServerMonths().rewrite(server, TABLE, MONTH)
    assert said(server.asked, "REBUILD")[0].endswith("DATA_COMPRESSION = COLUMNSTORE)")


@pytest.mark.parametrize("number", [1222, 1205])
def test_a_lock_that_is_not_to_be_had_is_named(number: int) -> None:
    with pytest.raises(CompactionBusy, match="2026-10: others did not let go"):
        SqlServerMonths().remove(Recorder("TRUNCATE", number), TABLE, MONTH)


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(OperationalError):
        SqlServerMonths().remove(Recorder("TRUNCATE", 4902), TABLE, MONTH)


def test_the_months_of_two_years_are_split_ahead() -> None:
    server = Recorder()
    SqlServerMonths().prepare(server, TABLE, MONTH)
    split = said(server.asked, "SPLIT RANGE ('")
    assert len(split) == statements.AHEAD
    assert "'2026-11-01'" in split[0]
    assert "'2028-10-01'" in split[-1]


def test_duplicates_are_looked_for_in_the_columnstore_not_in_the_key() -> None:
    for table in (TABLE, core.alert):
        keys = list(table.primary_key.columns)
        query = select(*keys, func.count()).group_by(*keys).having(func.count() > 1).limit(3)
        hinted = SqlServerMonths().look_at_rows(None, query, table)
        sql = str(hinted.compile(dialect=mssql.dialect()))
        assert f"{table.fullname} WITH (INDEX({table.name}_columns))" in sql
        assert "SELECT TOP" in sql
