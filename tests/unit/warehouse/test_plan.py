from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vigie.contract.feed import Feed, Field, Window
from vigie.contract.loader import load_feeds
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse.all_ddl import ALL_DDL
from vigie.warehouse.plan import make_plan, write_plan

FEEDS = list(load_feeds().values())


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A folder with every feed's first migration."""
    write_plan(make_plan(FEEDS, tmp_path), tmp_path)
    return tmp_path


def test_planning_changes_no_committed_file() -> None:
    assert make_plan(FEEDS, get_settings().ddl).files == {}


def test_planning_twice_writes_nothing_new(planned: Path) -> None:
    assert make_plan(FEEDS, planned).files == {}


def test_every_database_has_a_file_of_each_name(planned: Path) -> None:
    names = {ddl.name: {p.name for p in (planned / ddl.name).glob("*.sql")} for ddl in ALL_DDL}

    assert names["postgresql"] == names["mssql"]
    assert len(names["mssql"]) == len(FEEDS)


def test_a_change_in_one_database_alone_is_said_in_the_other(planned: Path) -> None:
    state = planned / "mssql" / "state.yaml"
    state.write_text(state.read_text().replace("_windows: ", "_windows: 0"))

    files = make_plan(FEEDS[:1], planned).files

    assert "Nothing changes in this database." in _of("postgresql", files)
    assert "DROP FUNCTION" in _of("mssql", files)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_added_becomes_a_column_added_to_sql_server(planned: Path, feed: Feed) -> None:
    wider = replace(feed, fields=feed.fields | {"extra": Field(name="extra", type="boolean")})

    sql = _of("mssql", make_plan([wider], planned).files)

    pane = f"fact.{feed.name}_pane"
    assert f"ALTER TABLE fact.{feed.name}_reading ADD extra BIT NULL;\nGO\n" in sql
    assert f"ALTER TABLE stage.{feed.name}_reading_load ADD extra BIT NULL;" in sql
    zero = f"CONSTRAINT {feed.name}_pane_extra_n_zero DEFAULT 0"
    assert f"ALTER TABLE {pane} ADD extra_n BIGINT NOT NULL {zero};" in sql
    assert sql.index("DROP VIEW") < sql.index("ALTER TABLE") < sql.index("CREATE VIEW")


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_added_becomes_a_column_added(planned: Path, feed: Feed) -> None:
    wider = replace(feed, fields=feed.fields | {"extra": Field(name="extra", type="integer")})

    sql = _of("postgresql", make_plan([wider], planned).files)

    assert f"ALTER TABLE fact.{feed.name}_reading ADD COLUMN extra BIGINT;" in sql
    assert f"ALTER TABLE fact.{feed.name}_pane ADD COLUMN extra_n BIGINT NOT NULL DEFAULT 0;" in sql
    for table in ("hourly", "daily"):
        added = f"ALTER TABLE fact.{feed.name}_{table} ADD COLUMN extra_median DOUBLE PRECISION;"
        assert added in sql
    assert "DROP TABLE" not in sql
    assert "DROP COLUMN" not in sql
    assert "r.extra" in sql
    assert "extra_mean double precision" in sql


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_removed_keeps_its_column(planned: Path, feed: Feed) -> None:
    name = next(iter(feed.fields))
    fields = {k: v for k, v in feed.fields.items() if k != name} | {"other": Field(name="other")}
    narrower = replace(feed, fields=fields, alerts={})

    plan = make_plan([narrower], planned)

    assert "DROP COLUMN" not in "".join(plan.files.values())
    for state in plan.states.values():
        assert name in state[feed.name]["tables"][f"{feed.name}_reading"]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_removed_is_done_without_and_may_come_back(planned: Path, feed: Feed) -> None:
    name, field = next(iter(feed.fields.items()))
    others = {k: v for k, v in feed.fields.items() if k != name} | {"other": Field(name="other")}
    narrower = replace(feed, fields=others, alerts={})

    plan = make_plan([narrower], planned)

    sql = _of("postgresql", plan.files)
    for table, part in (("pane", "n"), ("pane", "sumsq"), ("hourly", "n"), ("daily", "n")):
        changed = f"ALTER TABLE fact.{feed.name}_{table} ALTER COLUMN {name}_{part} SET DEFAULT 0;"
        assert changed in sql
    assert f"{name}_mean SET" not in sql
    assert f"{feed.name}_pane_{name}_n_zero DEFAULT 0 FOR {name}_n;" in _of("mssql", plan.files)
    write_plan(plan, planned)
    assert make_plan([narrower], planned).files == {}
    write_plan(make_plan([replace(narrower, fields=others | {name: field})], planned), planned)
    again = make_plan([narrower], planned)
    assert f"ALTER COLUMN {name}_n SET DEFAULT 0;" in _of("postgresql", again.files)


def test_a_changed_type_is_refused_by_name(planned: Path) -> None:
    feed = FEEDS[0]
    name = next(iter(feed.fields))
    changed = replace(feed, fields=feed.fields | {name: replace(feed.fields[name], type="integer")})

    with pytest.raises(
        MigrationError, match=rf"{feed.name}_reading\.{name}: the files leave DOUBLE"
    ):
        make_plan([changed], planned)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_changed_window_makes_the_function_anew_and_no_table(planned: Path, feed: Feed) -> None:
    wider = Window(length=4 * feed.windows.pane, slide=2 * feed.windows.pane)
    changed = replace(feed, windows=replace(feed.windows, sliding=(wider,)))

    plan = make_plan([changed], planned)

    sql = _of("postgresql", plan.files)
    assert f"DROP FUNCTION report.{feed.name}_windows;" in sql
    assert f"CREATE FUNCTION report.{feed.name}_windows(" in sql
    assert f"CREATE VIEW report.{feed.name}_window AS" in sql
    assert "TABLE fact." not in sql
    for state in plan.states.values():
        assert state[feed.name]["functions"].keys() == {f"{feed.name}_windows"}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_that_loses_its_windows_loses_their_function(planned: Path, feed: Feed) -> None:
    aliases = {"readings": "all_readings"}
    changed = replace(feed, windows=replace(feed.windows, sliding=()), aliases=aliases)

    plan = make_plan([changed], planned)

    sql = _of("postgresql", plan.files)
    assert f"DROP FUNCTION report.{feed.name}_windows;" in sql
    assert "CREATE FUNCTION" not in sql
    assert "CREATE VIEW report.all_readings AS" in sql
    for state in plan.states.values():
        assert state[feed.name]["functions"] == {}
        assert f"{feed.name}_window" not in state[feed.name]["views"]


def test_one_model_in_two_contracts_is_refused_with_both_their_names(planned: Path) -> None:
    feed = next(feed for feed in FEEDS if feed.scored_model)
    with pytest.raises(MigrationError, match=f"of both {feed.name} and another"):
        make_plan([feed, replace(feed, feed="another")], planned)


def test_a_model_that_forecasts_nightly_has_no_table_of_predictions(planned: Path) -> None:
    text = (planned / "postgresql" / "state.yaml").read_text()
    for feed in FEEDS:
        if feed.model:
            assert (f"{feed.model.name}_prediction" in text) == (feed.model.scored == "stream")


def _of(database: str, files: dict[str, str]) -> str:
    (sql,) = (sql for name, sql in files.items() if name.startswith(f"{database}/"))
    return sql
