from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from vigie.contract.loader import load_feeds
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.migrate import apply
from vigie.warehouse.postgres.views import report_views
from vigie.warehouse.verify import drift

pytestmark = pytest.mark.warehouse


def test_every_file_on_an_empty_database_gives_exactly_the_contracts_tables(
    warehouse: Engine,
) -> None:
    assert drift(load_feeds().values()) == []


def test_applying_again_does_nothing(warehouse: Engine) -> None:
    assert apply() == []


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
def test_the_reader_sees_every_view_and_no_fact(warehouse: Engine, feed) -> None:
    with get_engine("reader").connect() as connection:
        for view in report_views(feed):
            assert connection.execute(text(f"SELECT count(*) FROM report.{view}")).scalar() == 0
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text(f"SELECT * FROM fact.{feed.name}_reading"))


def test_the_loading_role_may_not_create_tables(warehouse: Engine) -> None:
    with warehouse.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text("CREATE TABLE fact.mine (a int)"))
