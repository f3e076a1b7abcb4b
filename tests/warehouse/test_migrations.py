from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from tests.readings import accepted
from tests.services import environment
from tests.warehouse.test_store import batch, hours, new_store
from vigie.contract.feed import Feed, Field
from vigie.contract.loader import load_feeds
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.migrate import apply
from vigie.warehouse.plan import make_plan, write_plan
from vigie.warehouse.postgres.report import report_objects
from vigie.warehouse.verify import drift

pytestmark = pytest.mark.warehouse


def test_every_file_on_an_empty_database_gives_exactly_the_contracts_tables(
    warehouse: Engine,
) -> None:
    assert drift(load_feeds().values()) == []


def test_applying_again_does_nothing(warehouse: Engine) -> None:
    assert apply() == []


def test_a_folder_without_files_is_named(warehouse: Engine, tmp_path: Path) -> None:
    folder = re.escape(str(tmp_path / "postgresql"))
    with environment(VIGIE_DDL=str(tmp_path)), pytest.raises(MigrationError, match=folder):
        apply()


def test_a_file_that_changed_after_it_ran_is_named(warehouse: Engine, tmp_path: Path) -> None:
    for file in (get_settings().ddl / "postgresql").glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text() + "\n-- changed\n")

    with pytest.raises(MigrationError, match="0001_core: the file changed"):
        apply(folder=tmp_path)


def test_a_file_that_fails_leaves_nothing_behind(warehouse: Engine, tmp_path: Path) -> None:
    (tmp_path / "9000_bad.sql").write_text("CREATE TABLE ops.half (a int); SELECT nonsense;")

    with pytest.raises(MigrationError, match="9000_bad failed"):
        apply(folder=tmp_path)

    assert not inspect(get_engine("owner")).has_table("half", schema="ops")


def test_drift_names_the_column(warehouse: Engine) -> None:
    with get_engine("owner").begin() as connection:
        connection.execute(text("ALTER TABLE ops.gap ALTER COLUMN reason DROP NOT NULL"))

    assert drift(load_feeds().values()) == ["ops.gap.reason: nullable is True, expected False"]


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_drift_names_views_functions_and_roll_ups(warehouse: Engine, feed: Feed) -> None:
    name = f"{feed.name}_windows"
    with get_engine("owner").begin() as connection:
        connection.execute(text(f"DROP VIEW report.{feed.name}_daily"))
        connection.execute(text(f"ALTER TABLE fact.{feed.name}_hourly DROP COLUMN faults CASCADE"))
        row = connection.execute(
            text("SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE proname = :name"),
            {"name": name},
        ).scalar_one()
        changed = row.replace("sum(p.readings)", "1 + sum(p.readings)")
        connection.exec_driver_sql(changed.replace("%", "%%"))

    assert drift([feed]) == [
        f"fact.{feed.name}_hourly.faults: missing column",
        f"report.{feed.name}_hourly: missing view",
        f"report.{feed.name}_daily: missing view",
        f"report.{name}: its body is not what the contract says",
    ]


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_a_changed_contract_can_be_applied_to_a_database_in_use(
    warehouse: Engine, feed: Feed, tmp_path: Path
) -> None:
    shutil.copytree(get_settings().ddl, tmp_path, dirs_exist_ok=True)
    aliases = {"readings": "a_first", "windows": "b_second"}
    fields = feed.fields | {"extra": Field(name="extra", type="boolean")}
    changed = replace(feed, fields=fields, aliases=aliases)
    again = replace(changed, aliases={})
    left = {name: field for name, field in fields.items() if name != next(iter(fields))}
    narrower = replace(again, fields=left, alerts={})

    for contract in (changed, again, narrower):
        write_plan(make_plan([contract], tmp_path), tmp_path)
        apply(folder=tmp_path / "postgresql")

        assert [line for line in drift([contract]) if "migration" not in line] == []
    store = new_store(warehouse, narrower)
    store.store(batch(accepted(narrower, hours(3))))
    store.close()


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_the_reader_sees_every_view_and_no_fact(warehouse: Engine, feed) -> None:
    with get_engine("reader").connect() as connection:
        for made in report_objects(feed):
            call = "(now() - interval '1 day', now())" if made.kind == "function" else ""
            found = connection.execute(text(f"SELECT count(*) FROM report.{made.name}{call}"))
            assert found.scalar() == 0
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text(f"SELECT * FROM fact.{feed.name}_reading"))


def test_the_loading_role_may_not_create_tables(warehouse: Engine) -> None:
    with warehouse.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text("CREATE TABLE fact.mine (a int)"))
