from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from sqlalchemy import Engine, text

from vigie.errors import MigrationError
from vigie.settings import HOME, get_settings
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.dags, pytest.mark.warehouse]


@pytest.fixture
def migrate():
    bag = DagBag(dag_folder=str(HOME / "dags" / "migrate_warehouse.py"))
    return bag.dags["migrate_warehouse"].get_task("migrate").python_callable


def test_a_run_brings_up_what_is_missing_and_the_next_does_nothing(
    warehouse: Engine, migrate
) -> None:
    last = sorted((get_settings().ddl / "postgresql").glob("*.sql"))[-1]
    with get_engine("owner").begin() as connection:
        connection.execute(text("DROP SCHEMA dim, fact, ops, report, stage CASCADE"))

    assert last.stem in migrate()
    assert migrate() == []


def test_a_warehouse_changed_by_hand_is_named_column_by_column(warehouse: Engine, migrate) -> None:
    with get_engine("owner").begin() as connection:
        connection.execute(text("ALTER TABLE ops.gap ALTER COLUMN reason DROP NOT NULL"))
        connection.execute(text("ALTER TABLE ops.lake DROP COLUMN files"))

    with pytest.raises(MigrationError) as error:
        migrate()

    assert "ops.gap.reason: nullable is True, expected False" in str(error.value)
    assert "ops.lake.files: missing column" in str(error.value)


def test_a_file_that_fails_is_named(
    warehouse: Engine, migrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql" / "9000_bad.sql").write_text("SELECT nonsense;")
    monkeypatch.setenv("VIGIE_DDL", str(tmp_path))
    get_settings.cache_clear()

    with pytest.raises(MigrationError, match="9000_bad failed"):
        migrate()
