from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter

from vigie.contract.feed import Feed, Field, Position, Status
from vigie.contract.loader import load_feeds
from vigie.errors import RecipeError
from vigie.replay.read import read_file, read_files, read_rows
from vigie.replay.recipe import Recipe

FEED = load_feeds()["air_quality"]
Write = Callable[..., Path]


def recipe(**parts: Any) -> Recipe:
    plain = {
        "feed": "air_quality",
        "title": "test",
        "files": ["*"],
        "sensor": {"value": "s"},
        "time": {"columns": ["t"], "format": "%Y-%m-%d %H:%M:%S"},
        "columns": {"a": "co", "b": "no2"},
    }
    return TypeAdapter(Recipe).validate_python(plain | parts)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def times(frame: pd.DataFrame) -> list[str]:
    return [at.isoformat() for at in frame["event_time"]]


def test_decimal_comma_markers_factor_and_rows_of_nothing(write: Write) -> None:
    path = write(
        "t;a;b;;\r\n2004-03-10 18:00:00;2,6;-200;;\r\n2004-03-10 19:00:00;-200;NA;;\r\n;;;;\r\n"
    )
    own = recipe(
        separator=";",
        decimal=",",
        missing=["-200", "NA"],
        columns={"a": {"field": "co", "factor": 1000}, "b": "no2"},
        time={"columns": ["t"], "format": "%Y-%m-%d %H:%M:%S", "zone": "UTC+1"},
    )
    frame = read_file(path, own, FEED)
    assert times(frame) == ["2004-03-10T17:00:00+00:00", "2004-03-10T18:00:00+00:00"]
    assert frame["co"][0] == 2600
    assert frame[["co", "no2"]].isna().sum().sum() == 3, "a row without a measurement is kept"
    assert frame["sensor"].tolist() == ["s", "s"]


def test_numbers_are_read_exactly(write: Write) -> None:
    path = write("t,a,b\n2026-01-01 00:00:00,0.1234567890123456,1e22\n")
    assert read_file(path, recipe(), FEED)["co"][0] == 0.1234567890123456


def test_a_wrong_cell_spoils_no_other_number_of_its_column(write: Write) -> None:
    cells = ("2,6", "-122,40326249999998", "1.5", "x", "", "0,1234567890123456")
    path = write("t;a\n" + "".join(f"2026-01-01 00:00:0{n};{c}\n" for n, c in enumerate(cells)))
    wrong: list[int] = []

    frame = read_rows(
        path,
        recipe(separator=";", decimal=",", columns={"a": "co"}),
        FEED,
        lambda _, column, mask, __: wrong.extend(column.index[mask]),
    )

    assert wrong == [2, 3]
    assert frame["co"].dropna().tolist() == [2.6, -122.40326249999998, 0.1234567890123456]


def test_several_time_columns_in_a_zone_of_its_own(write: Write) -> None:
    path = write("year,month,day,hour,a,b\n2013,3,1,0,1,1\n2013,3,1,7,1,1\n2013,7,1,8,1,1\n")
    columns = ["year", "month", "day", "hour"]
    time = {"columns": columns, "format": "%Y %m %d %H", "zone": "Asia/Shanghai"}
    assert times(read_file(path, recipe(time=time), FEED)) == [
        "2013-02-28T16:00:00+00:00",
        "2013-02-28T23:00:00+00:00",
        "2013-07-01T00:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("text", "zone"),
    [("2026-03-29 02:30:00", "Europe/Paris"), ("2026-10-25 02:30:00", "Europe/Paris")],
)
def test_a_local_time_that_is_none_or_two_is_refused(write: Write, text: str, zone: str) -> None:
    path = write(f"t,a,b\n2026-01-01 00:00:00,1,1\n{text},1,1\n")
    time = {"columns": ["t"], "format": "%Y-%m-%d %H:%M:%S", "zone": zone}
    with pytest.raises(RecipeError, match=rf"row 2, column 't'.*{text}.*once in {zone}"):
        read_file(path, recipe(time=time), FEED)


def test_start_in_the_file_name_and_step(write: Write) -> None:
    path = write("a,b\n1,1\n2,\n,\n", "gt_2012.csv")
    time = {"file": r"gt_(\d{4})", "format": "%Y", "step": "1 hour"}
    frame = read_file(path, recipe(time=time), FEED)
    assert times(frame) == [f"2012-01-01T0{hour}:00:00+00:00" for hour in range(3)]


def test_a_constant_start_is_local_to_the_zone(write: Write) -> None:
    time = {"start": "2012-01-01T00:00:00", "step": "1 minute", "zone": "UTC+8"}
    frame = read_file(write("a,b\n1,1\n"), recipe(time=time), FEED)
    assert times(frame) == ["2011-12-31T16:00:00+00:00"]


def test_sensor_in_a_column_and_in_the_file_name(write: Write) -> None:
    path = write("t,a,b,who\n2026-01-01 00:00:00,1,1,007\n", "PRSA_Data_Dongsi_x.csv.gz")
    in_column = read_file(path, recipe(sensor={"column": "who"}), FEED)
    assert in_column["sensor"].tolist() == ["007"]
    in_name = read_file(path, recipe(sensor={"file": "Data_([^_]+)_"}), FEED)
    assert in_name["sensor"].tolist() == ["Dongsi"]


def test_files_merge_by_event_time_then_file_then_row(write: Write) -> None:
    one = write("t,a,b\n2026-01-01 00:01:00,1,\n2026-01-01 00:00:00,2,\n", "1.csv")
    two = write(
        "t,a,b\n2026-01-01 00:00:00,3,\n2026-01-01 00:00:00,4,\n2026-01-01 00:00:30,5,\n", "2.csv"
    )
    frame = read_files([(one, recipe()), (two, recipe())], FEED)
    assert frame["co"].tolist() == [2, 3, 4, 5, 1]


def test_position_status_and_typed_fields(write: Write) -> None:
    feed: Feed = replace(
        FEED,
        fields={"open": Field("open", type="boolean"), "n": Field("n", type="integer")},
        position=Position("lat", "lon"),
        status=Status("state", ok=("OK",)),
    )
    path = write("t,o,n,y,x,s\n2026-01-01 00:00:00,True,3,48.5,2.5,OK\n2026-01-01 00:00:01,,,,,\n")
    own = recipe(
        columns={"o": "open", "n": "n"},
        position={"latitude": "y", "longitude": "x"},
        status="s",
    )
    frame = read_file(path, own, feed)
    first = frame.iloc[0][["open", "n", "latitude", "longitude", "status"]].tolist()
    assert first == [True, 3, 48.5, 2.5, "OK"]
    assert frame.iloc[1].isna().sum() == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,a\n2026-01-01 00:00:00,1\n", "no column 'b'.*another recipe"),
        ("", "No columns to parse.*expected a CSV file in utf-8"),
        ("t,a,b\n2026-01-01 00:00:00,1,1\nnoon,1,1\n", "row 2, column 't': found 'noon'.*%Y-%m"),
        ("t,a,b\n,1,1\n", "row 1, column 't': found nothing"),
        ("t,a,b\n2026-01-01 00:00:00,1,x\n", "row 1, column 'b': found 'x', expected a number"),
        ("t,a,b\n2026-01-01 00:00:00,True,1\n", "row 1, column 'a': found 'True'"),
        ("t,a,b\n2026-01-01 00:00:00,1e400,1\n", "row 1, column 'a': found '1e400'"),
    ],
)
def test_faults_name_the_cell(write: Write, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_file(write(text), recipe(), FEED)


def test_a_row_without_its_sensor_is_refused(write: Write) -> None:
    path = write("t,a,b,who\n2026-01-01 00:00:00,1,1,\n")
    with pytest.raises(RecipeError, match="row 1, column 'who': found nothing"):
        read_file(path, recipe(sensor={"column": "who"}), FEED)


def test_a_file_that_is_not_there_or_not_named_right(write: Write, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="No such file"):
        read_file(tmp_path / "none.csv", recipe(), FEED)
    time = {"file": r"gt_(\d{4})", "format": "%Y", "step": "1 hour"}
    with pytest.raises(RecipeError, match=r"'file\.csv', expected a name that matches"):
        read_file(write("a,b\n1,1\n"), recipe(time=time), FEED)
