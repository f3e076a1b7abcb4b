"""The oracle itself: a judge that passes everything would pass everything."""

from __future__ import annotations

import re

import pytest

from tests.tsql.scriptdom import batches, errors, model, say

pytestmark = pytest.mark.tsql

VALID = [
    "SELECT TOP (1) a FROM fact.t ORDER BY b DESC",
    "SELECT a FROM fact.t ORDER BY a OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY",
    "SELECT SUM(a) OVER (PARTITION BY b ORDER BY c ROWS UNBOUNDED PRECEDING) FROM fact.t",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b) FROM fact.t",
    "SELECT DATEADD(second, -1, SYSUTCDATETIME()), DATEDIFF_BIG(second, '1970-01-01', GETDATE())",
    "SELECT report.my_own(1), k.n FROM report.made(1) m CROSS JOIN (VALUES (0), (1)) k (n)",
    "INSERT INTO fact.t (a) SELECT a FROM stage.t s WHERE NOT EXISTS"
    " (SELECT 1 FROM fact.t f WHERE f.a = s.a)",
    "DELETE f FROM fact.t f JOIN stage.t s ON s.a = f.a",
    "ALTER INDEX i ON fact.t REORGANIZE PARTITION = 3 WITH (COMPRESS_ALL_ROW_GROUPS = ON)",
    "ALTER INDEX i ON fact.t REBUILD PARTITION = 3 WITH (DATA_COMPRESSION = COLUMNSTORE_ARCHIVE)",
    "TRUNCATE TABLE fact.t WITH (PARTITIONS (3))",
    "ALTER PARTITION FUNCTION f () SPLIT RANGE ('2031-01-01')",
    "CREATE TABLE fact.t (a int NOT NULL, b nvarchar(40) NULL, c datetime2(3) NOT NULL)",
]
INVALID = [
    ("SELECT a FROM t LIMIT 1", "near LIMIT"),
    ("INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING", "near ON"),
    ("CREATE TABLE IF NOT EXISTS t (a int)", "near IF"),
    ("SELECT count(*) FILTER (WHERE a = 1) FROM t", "near ("),
    ("SELECT a FROM t, LATERAL (SELECT 1) x", "near"),
    ("SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)", "near"),
    ("ALTER INDEX i ON t REORGANIZE WITH (COMPRESS_ALL_ROWGROUPS = ON)", "COMPRESS_ALL_ROWGROUPS"),
]
NAMES = [
    ("SELECT a::date FROM t", "`::` names a member of a CLR type"),
    ("SELECT DATETRUNC(day, a) FROM t", "DATETRUNC is a function of SQL Server 2022"),
    ("SELECT GREATEST(a, b) FROM t", "GREATEST is a function of SQL Server 2022"),
    ("SELECT value FROM GENERATE_SERIES(1, 2)", "GENERATE_SERIES is a function of SQL Server 2022"),
    ("SELECT now()", "now is no function"),
    ("SELECT date_trunc('day', a) FROM t", "date_trunc is no function"),
    ("SELECT k FROM unnest(a) k", "unnest is no function"),
    ("CREATE TABLE t (a timestamptz)", "timestamptz is no type"),
    ("SELECT CAST(a AS boolean) FROM t", "boolean is no type"),
    ("CREATE TABLE t (a text)", "text is a type no new table"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE;", "MERGE"),
]


@pytest.mark.parametrize("sql", VALID)
def test_what_sql_server_takes_is_taken(sql: str) -> None:
    assert errors(sql) == []


@pytest.mark.parametrize(("sql", "message"), INVALID + NAMES)
def test_what_it_refuses_is_refused(sql: str, message: str) -> None:
    found = errors(f"SELECT 1\nGO\n\n{sql}", "a.sql")

    assert message in say(found)
    assert {fault.line for fault in found} == {4}
    assert say(found).startswith("a.sql:4:")


def test_batches_are_parted_by_go_alone() -> None:
    assert batches("SELECT 'GO'\ngo\n-- GO\nSELECT 2 AS go_on\nGO") == [
        "SELECT 'GO'",
        "SELECT 2 AS go_on",
    ]


FILES = {
    "1.sql": "CREATE SCHEMA fact\nGO\n"
    "CREATE TABLE fact.t (a int NOT NULL, b datetime2(3) NOT NULL,\n"
    "    CONSTRAINT t_key PRIMARY KEY (a, b))\nGO\nCREATE VIEW fact.v AS SELECT a FROM fact.t",
    "2.sql": "DROP VIEW fact.v;\nALTER TABLE fact.t ADD c bigint NULL\nGO\n"
    "CREATE VIEW fact.v AS\nSELECT a, c AS d FROM fact.t\nGO\n"
    "CREATE FUNCTION fact.f (@a int) RETURNS TABLE AS RETURN SELECT d FROM fact.v WHERE a = @a",
}


def test_files_leave_what_they_create_alter_and_drop() -> None:
    left = model(FILES)

    assert left.faults == []
    assert left.tables == {
        "fact.t": {"a": ("INT", False), "b": ("DATETIME2(3)", False), "c": ("BIGINT", True)}
    }
    assert left.keys == {"fact.t": ["a", "b"]}
    assert left.views == {"fact.v": ["a", "d"]}
    assert left.functions == {"fact.f": ["d"]}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE VIEW fact.w AS\nSELECT a,\n  nope FROM fact.t", "3.sql:3:3: .*nope"),
        ("CREATE VIEW fact.w AS\nSELECT a FROM fact.gone", r"3.sql:2:20: .*\[fact\].\[gone\]"),
        ("DROP VIEW fact.gone", "3.sql:1:11: drops fact.gone, which is not there"),
        ("ALTER TABLE fact.gone ADD a int NULL", "3.sql:1:1: alters fact.gone"),
        ("CREATE VIEW fact.v AS SELECT 1 AS a", "3.sql:1:1: creates fact.v, which is there"),
        ("CREATE TABLE fact.u (a int NOT NULL)\nON months (a)", "3.sql:2:4: .*months"),
        ("DELETE FROM fact.t\nWHERE z = 1", "3.sql:2:7: .*z"),
    ],
)
def test_a_name_that_is_not_there_is_named_with_its_place(sql: str, said: str) -> None:
    found = model(FILES | {"3.sql": sql}).faults

    assert any(re.match(said, str(fault)) for fault in found), say(found)
    assert {fault.file for fault in found} == {"3.sql"}


def test_a_statement_is_bound_to_what_the_files_leave() -> None:
    good = {"load": "INSERT INTO fact.t (a, b, c) SELECT a, b, c FROM fact.t"}
    bad = {"stray": "INSERT INTO fact.t (a, b)\nSELECT a, lost FROM fact.t"}

    assert model(FILES, good).faults == []
    (fault,) = model(FILES, bad).faults
    assert str(fault).startswith("stray:2:11: ")
