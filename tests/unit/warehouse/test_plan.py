from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vigie.contract.feed import Feed, Field, Window
from vigie.contract.loader import load_feeds
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse.plan import make_plan, write_plan

FEEDS = list(load_feeds().values())


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A folder with every feed's first migration."""
    (tmp_path / "postgresql").mkdir()
    write_plan(make_plan(FEEDS, tmp_path), tmp_path)
    return tmp_path


def test_planning_changes_no_committed_file() -> None:
    assert make_plan(FEEDS, get_settings().ddl).files == {}


def test_planning_twice_writes_nothing_new(planned: Path) -> None:
    assert make_plan(FEEDS, planned).files == {}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_field_added_becomes_a_column_added(planned: Path, feed: Feed) -> None:
    wider = replace(feed, fields=feed.fields | {"extra": Field(name="extra", type="integer")})

    (sql,) = make_plan([wider], planned).files.values()

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
    assert name in plan.state[feed.name]["tables"][f"{feed.name}_reading"]


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

    (sql,) = plan.files.values()
    assert f"DROP FUNCTION report.{feed.name}_windows;" in sql
    assert f"CREATE FUNCTION report.{feed.name}_windows(" in sql
    assert f"CREATE VIEW report.{feed.name}_window AS" in sql
    assert "TABLE fact." not in sql
    assert plan.state[feed.name]["functions"].keys() == {f"{feed.name}_windows"}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_that_loses_its_windows_loses_their_function(planned: Path, feed: Feed) -> None:
    aliases = {"readings": "all_readings"}
    changed = replace(feed, windows=replace(feed.windows, sliding=()), aliases=aliases)

    plan = make_plan([changed], planned)

    (sql,) = plan.files.values()
    assert f"DROP FUNCTION report.{feed.name}_windows;" in sql
    assert "CREATE FUNCTION" not in sql
    assert "CREATE VIEW report.all_readings AS" in sql
    assert plan.state[feed.name]["functions"] == {}
    assert f"{feed.name}_window" not in plan.state[feed.name]["views"]


def test_one_model_in_two_contracts_is_refused_with_both_their_names(planned: Path) -> None:
    feed = next(feed for feed in FEEDS if feed.scored_model)
    with pytest.raises(MigrationError, match=f"of both {feed.name} and another"):
        make_plan([feed, replace(feed, feed="another")], planned)


def test_a_model_that_forecasts_nightly_has_no_table_of_predictions(planned: Path) -> None:
    text = (planned / "state.yaml").read_text()
    for feed in FEEDS:
        if feed.model:
            assert (f"{feed.model.name}_prediction" in text) == (feed.model.scored == "stream")
