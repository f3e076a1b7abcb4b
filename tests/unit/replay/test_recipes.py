from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from vigie.contract.loader import load_feeds
from vigie.errors import RecipeError
from vigie.replay.recipe import Recipe, parse_zone
from vigie.replay.recipes import choose_recipe, load_recipe, load_recipes

FEEDS = load_feeds()


@pytest.mark.parametrize("recipe", load_recipes().values(), ids=load_recipes())
def test_shipped_recipes_fit_their_contracts(recipe: Recipe) -> None:
    assert {column.field for column in recipe.columns.values()} <= set(FEEDS[recipe.feed].fields)


def test_one_fault_does_not_hide_another(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "feed: environment\n"
        "title: wrong\n"
        "files: []\n"
        "surprise: 1\n"
        "sensor: {value: a, column: b}\n"
        "time: {columns: [t], zone: UTC+99, step: 1 hour}\n"
        "columns: {A: nothing, B: co2, C: {field: co2, factor: .inf}}\n"
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    message = str(caught.value)
    for part in (
        *("files: found []", "surprise: found an unknown key", "sensor: found value, column"),
        *("time.zone: found 'UTC+99'", "time.step", "time.format: found nothing"),
        *("columns.A: found 'nothing'", "columns.C: found 'co2'", "columns.C.factor"),
    ):
        assert part in message


def test_a_recipe_for_no_feed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lost.yaml"
    path.write_text(
        "{feed: lost, title: t, files: [a], sensor: {value: a},"
        " time: {columns: [t], format: '%Y'}, columns: {a: b}}"
    )
    with pytest.raises(RecipeError, match="feed: found 'lost', expected one of air_quality"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("feed", "file", "expected"),
    [
        ("gas_turbine", "gt_2014.csv", "uci_gas_turbine"),
        ("air_quality", "PRSA_Data_Huairou_20130301-20170228.csv.gz", "uci_beijing"),
        ("air_quality", "AirQualityUCI.csv", "uci_air_quality"),
        ("environment", "occupancy_datatest2.txt", "uci_occupancy"),
        ("fleet", "SYS_sample_data_senml.csv", "riotbench_senml"),
    ],
)
def test_the_file_name_chooses(feed: str, file: str, expected: str) -> None:
    assert choose_recipe(FEEDS[feed], Path(file)) is load_recipes()[expected]


def test_an_unknown_format_names_the_recipes() -> None:
    with pytest.raises(RecipeError, match=r"0 recipes.*--recipe.*uci_air_quality.*uci_beijing"):
        choose_recipe(FEEDS["air_quality"], Path("other.csv"))


def test_a_recipe_can_be_named_but_not_one_of_another_feed() -> None:
    feed = FEEDS["gas_turbine"]
    assert choose_recipe(feed, Path("x.csv"), name="uci_gas_turbine").feed == feed.name
    with pytest.raises(RecipeError, match=r"'uci_beijing'.*no such recipe.*uci_gas_turbine"):
        choose_recipe(feed, Path("x.csv"), name="uci_beijing")


@pytest.mark.parametrize(
    ("name", "hours"),
    [("UTC", 0), ("UTC+8", 8), ("UTC-03:30", -3.5), ("Asia/Shanghai", 8)],
)
def test_zones(name: str, hours: float) -> None:
    offset = datetime(2026, 1, 1, tzinfo=parse_zone(name)).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == hours * 3600
