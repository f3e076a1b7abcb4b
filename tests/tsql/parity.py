"""The T-SQL files against SQLAlchemy's tables and PostgreSQL's views: every column, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, Table, inspect, text
from sqlalchemy.schema import CreateTable

from tests.tsql.scriptdom import Fault, Model
from vigie.contract.loader import load_feeds
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.migrate import migration_files
from vigie.warehouse.sqlserver.ddl import SqlServerDdl

DDL = SqlServerDdl()
_FUNCTIONS = """
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'report'::regnamespace AND p.proretset
"""


@dataclass(frozen=True)
class Expected:
    """`tables` as SQLAlchemy has them; of `report` the columns PostgreSQL gives."""

    tables: list[Table]
    report: dict[str, list[str]]


def committed_files(folder: Path | None = None) -> dict[str, str]:
    """What a migration runs on an empty database: the journal, then every file in order."""
    journal = str(CreateTable(core.migration).compile(dialect=DDL.dialect))
    files = {
        f"{f.name}.sql": f.sql for f in migration_files((folder or get_settings().ddl) / DDL.name)
    }
    return {"journal": f"CREATE SCHEMA ops\nGO\n{journal}"} | files


def expected(postgres: Engine) -> Expected:
    """What there must be, read from the code and from a migrated PostgreSQL."""
    tables = list(core.metadata.sorted_tables)
    tables += [table for feed in load_feeds().values() for table in DDL.tables(feed)]
    live = inspect(postgres)
    report = {
        f"report.{name}": [str(column["name"]) for column in live.get_columns(name, "report")]
        for name in live.get_view_names("report")
    }
    with postgres.connect() as connection:
        for name in connection.execute(text(_FUNCTIONS)).scalars().all():
            rows = connection.execute(text(f"SELECT * FROM report.{name}(now(), now()) LIMIT 0"))
            report[f"report.{name}"] = list(rows.keys())
    return Expected(tables, report)


def differences(model: Model, wanted: Expected) -> list[Fault]:
    """One fault per column or object that is not alike, at the place that makes the object."""
    tables = {table.fullname: table for table in wanted.tables}
    return [
        *_missing(model.tables, tables, model),
        *(f for n in model.tables.keys() & tables.keys() for f in _columns(n, model, tables[n])),
        *_missing(model.views | model.functions, wanted.report, model),
        *_report(model, wanted.report),
    ]


def _missing(
    found: Mapping[str, object], wanted: Mapping[str, object], model: Model
) -> Iterator[Fault]:
    for name in wanted.keys() - found.keys():
        yield Fault(1, 1, f"{name} is made by no file of {DDL.name}", "")
    for name in found.keys() - wanted.keys():
        yield _at(name, model, f"{name} is in this database alone")


def _columns(name: str, model: Model, table: Table) -> Iterator[Fault]:
    found = model.tables[name]
    wanted = {
        str(c.name): (_plain(c.type.compile(DDL.dialect)), bool(c.nullable)) for c in table.columns
    }
    for column in wanted.keys() | found.keys():
        have = found.get(column)
        if have is None:
            yield _at(name, model, f"{name}.{column} is missing")
        elif column not in wanted:
            yield _at(name, model, f"{name}.{column} is in this database alone")
        elif (_plain(have[0]), have[1]) != wanted[column]:
            want = wanted[column]
            yield _at(name, model, f"{name}.{column} is {_say(have)}, expected {_say(want)}")
    key = [str(column.name) for column in table.primary_key.columns]
    if model.keys[name] != key:
        yield _at(name, model, f"{name} has key {model.keys[name]}, expected {key}")


def _report(model: Model, wanted: Mapping[str, list[str]]) -> Iterator[Fault]:
    for name, found in (model.views | model.functions).items():
        if name in wanted and found != wanted[name]:
            lost = [column for column in wanted[name] if column not in found]
            more = [column for column in found if column not in wanted[name]]
            message = f"{name}: lacks {lost}, has {more} more than PostgreSQL's, or in other order"
            yield _at(name, model, message)


def _at(name: str, model: Model, message: str) -> Fault:
    file, line = model.places[name]
    return Fault(line, 1, message, file)


def _plain(kind: str) -> str:
    upper = kind.upper().replace(" ", "")
    return upper.replace("INTEGER", "INT").replace("FLOAT(53)", "FLOAT")


def _say(column: tuple[str, bool]) -> str:
    kind, null = column
    return f"{kind.lower()} {'null' if null else 'not null'}"
