"""The committed T-SQL: parsed, bound, equal to PostgreSQL's; and the judge tried with mistakes."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.tsql.mistakes import MISSPELT, UNBOUND, Mistake
from tests.tsql.parity import DDL, Expected, committed_files, differences, expected
from tests.tsql.scriptdom import Fault, batches, errors, model, say
from vigie.contract.feed import Field
from vigie.contract.loader import load_feeds
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.plan import make_plan, write_plan
from vigie.warehouse.sqlserver import ddl, live

pytestmark = [pytest.mark.tsql, pytest.mark.warehouse]

FILES = committed_files()


@pytest.fixture
def wanted(warehouse: Engine) -> Expected:
    return expected(get_engine("owner"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_t_sql_of_2019(name: str) -> None:
    assert say(errors(FILES[name], name)) == ""


def test_every_name_is_there_and_every_column_is_postgresqls(wanted: Expected) -> None:
    left = model(FILES)

    assert say(left.faults) == ""
    assert say(differences(left, wanted)) == ""


def test_a_changed_contract_leaves_what_it_says(tmp_path: Path) -> None:
    shutil.copytree(get_settings().ddl, tmp_path, dirs_exist_ok=True)
    extra = {"extra": Field(name="extra", type="boolean")}
    aliases = {"readings": "a_first", "windows": "b_second"}
    feed = next(feed for feed in load_feeds().values() if feed.scored_model and feed.alerts)
    changed = replace(feed, fields=feed.fields | extra, aliases=aliases)

    write_plan(make_plan([changed], tmp_path), tmp_path)

    left = model(committed_files(tmp_path))
    tables = {table.fullname: table for table in DDL.tables(changed)}
    found = replace(left, tables={n: c for n, c in left.tables.items() if n in tables})
    assert say(left.faults) == ""
    assert "extra_p95" in left.views[f"report.{feed.name}_daily"]
    assert "extra_mean" in left.views["report.b_second"]
    nothing = replace(found, views={}, functions={})
    assert say(differences(nothing, Expected([*tables.values()], {}))) == ""


def test_both_databases_have_files_of_the_same_names() -> None:
    folders = [get_settings().ddl / name for name in ("mssql", "postgresql")]
    mssql, postgresql = ({path.name for path in folder.glob("*.sql")} for folder in folders)

    assert mssql == postgresql


@pytest.mark.parametrize("name", FILES)
def test_the_runner_parts_a_file_as_the_parser_does(name: str) -> None:
    ours = [" ".join(batch.split()) for batch in DDL.batches(FILES[name])]
    theirs = [" ".join(batch.split()) for batch in batches(FILES[name])]

    assert len(ours) == len(theirs)
    for mine, parsed in zip(ours, theirs, strict=True):
        assert mine.endswith(parsed)


@pytest.mark.parametrize(
    "statement",
    [ddl.LOCK, ddl.UNLOCK, ddl.JOURNAL, ddl.CREATE_OPS, live.COLUMNS, live.DEFINITIONS],
)
def test_what_the_runner_and_verify_say_is_t_sql(statement: str) -> None:
    assert say(errors(re.sub(r":(\w+)", r"@\1", statement))) == ""


@pytest.mark.parametrize("mistake", MISSPELT, ids=lambda m: m.said)
def test_a_mistake_of_grammar_is_said_with_file_and_line(mistake: Mistake) -> None:
    wrong = _with(FILES, mistake)[mistake.file]

    assert any(_says(fault, mistake, wrong) for fault in errors(wrong, mistake.file))


def test_every_other_mistake_is_said_with_file_and_line(wanted: Expected) -> None:
    # All at once, since one look at everything takes seconds.
    files = FILES
    for mistake in UNBOUND:
        files = _with(files, mistake)

    left = model(files)

    found = [*left.faults, *differences(left, wanted)]
    for mistake in UNBOUND:
        wrong = files[mistake.file]
        assert any(_says(fault, mistake, wrong) for fault in found), (mistake, say(found))


def test_an_object_that_no_file_makes_is_named(wanted: Expected) -> None:
    files = {name: sql for name, sql in FILES.items() if name != "0016_lake.sql"}

    assert "ops.lake is made by no file" in say(differences(model(files), wanted))


def _with(files: dict[str, str], mistake: Mistake) -> dict[str, str]:
    assert mistake.old in files[mistake.file]
    return files | {mistake.file: files[mistake.file].replace(mistake.old, mistake.new, 1)}


def _says(fault: Fault, mistake: Mistake, wrong: str) -> bool:
    place = wrong.index(mistake.at or mistake.new.lstrip())
    line = wrong.count("\n", 0, place) + 1
    return (
        fault.file == mistake.file
        and fault.line == line
        and re.search(mistake.said, fault.message) is not None
    )
