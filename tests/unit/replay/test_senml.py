from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from vigie.collection.report import Report
from vigie.collection.tables import read_table
from vigie.contract.loader import get_feed
from vigie.errors import RecipeError
from vigie.replay.read import read_file
from vigie.replay.recipe import Recipe
from vigie.replay.recipes import load_recipe

FEED = get_feed("fleet")
GOOD = (
    '1422748800000,{"e":[{"u":"string","n":"source","sv":"a1"},{"v":"-1","u":"far",'
    '"n":"temperature"},{"v":"-1","n":"dust"},{"n":"x","v":"-122.40326249999998"},{"n":"y","v":48.5}],'
    '"bt":1422748800250}'
)
# The same by RFC 8428.
ARRAY = (
    '[{"bt":1422748800250,"n":"source","vs":"a1"},{"n":"temperature","v":-1},{"n":"dust","v":-1},'
    '{"n":"x","v":-122.40326249999998},{"n":"y","v":48.5}]'
)


def recipe(**parts: Any) -> Recipe:
    plain = {
        "feed": "fleet",
        "title": "test",
        "files": ["*"],
        "content": "senml",
        "sensor": {"column": "source"},
        "time": {"columns": ["bt"], "format": "epoch milliseconds"},
        "position": {"latitude": "y", "longitude": "x"},
        "columns": {"temperature": "temperature", "dust": {"field": "dust", "missing": ["-1"]}},
    }
    return TypeAdapter(Recipe).validate_python(plain | parts)


@pytest.mark.parametrize("line", [GOOD, ARRAY])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_the_records_of_a_pack_are_the_cells_of_a_row(tmp_path: Path, line: str, name: str) -> None:
    text = f"{line}\n\n{line}\n".encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    frame = read_file(tmp_path / name, recipe(), FEED)

    assert len(frame) == 2
    row = frame.iloc[1].to_dict()
    assert row.pop("event_time").isoformat() == "2015-02-01T00:00:00.250000+00:00"
    assert str(row.pop("dust")) == "nan", "a marker of this column alone"
    assert row == {
        "sensor": "a1",
        "temperature": -1,
        "longitude": -122.40326249999998,
        "latitude": 48.5,
    }


BAD = [
    ("noon", "expected a SenML pack"),
    ('{"e": ', "expected a SenML pack"),
    ('{"a": 1}', "expected a SenML pack"),
    ('[{"n":"dust","v":1},{"n":"dust","v":2}]', "names each value once"),
    (GOOD.replace('"a1"', "null"), "column 'source': found nothing"),
    (GOOD.replace("1422748800250", '"noon"'), "column 'bt': found 'noon'"),
    (
        GOOD.replace('"-122.40326249999998"', '"east"'),
        "column 'x': found 'east', expected a number",
    ),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    report = Report(path.name, FEED)

    sent = list(read_table(path, FEED, {"own": recipe()}, report))

    assert (len(sent), report.read, report.refused) == (2, 3, 1)
    ((number, found),) = report.faults
    assert number == 3
    assert reason in found
    with pytest.raises(RecipeError, match="row 2"):
        read_file(path, recipe(), FEED)


def test_a_name_no_pack_has_is_a_fault_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(GOOD)
    columns = {"temperature": "temperature", "damp": "humidity"}
    with pytest.raises(RecipeError, match=r"no pack has 'damp'.*another recipe"):
        read_file(path, recipe(columns=columns), FEED)


def test_senml_has_no_separator(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "{feed: fleet, title: t, files: [a], content: senml, separator: ;, sensor: {value: a},"
        " time: {columns: [bt], format: epoch milliseconds}, columns: {a: dust}}"
    )
    with pytest.raises(RecipeError, match="separator: found ';', expected nothing"):
        load_recipe(path)
