from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vigie.contract.loader import get_feed
from vigie.errors import RecipeError
from vigie.replay.history import read_history

TURBINE = get_feed("gas_turbine")
COLUMNS = "AT,AP,AH,AFDP,GTEP,TIT,TAT,TEY,CDP,CO,NOX"
HOUR = np.timedelta64(1, "h")


def turbine_file(folder: Path, year: int, rows: int) -> Path:
    path = folder / f"gt_{year}.csv"
    lines = [",".join([str(row)] * 11) for row in range(rows)]
    path.write_text("\n".join([COLUMNS, *lines]) + "\n")
    return path


def test_counted_rows_run_on_and_a_month_is_a_twelfth_of_a_file(tmp_path: Path) -> None:
    paths = [turbine_file(tmp_path, 2012, 30), turbine_file(tmp_path, 2011, 24)]
    history = read_history(TURBINE, paths)
    assert (np.diff(history.readings.times) == HOUR).all()
    assert history.readings.times[0] == np.datetime64("2011-01-01T00:00")
    assert list(history.begins) == ["gt_2011.csv", "gt_2012.csv"]
    assert history.begin(str(paths[0])) == history.readings.times[24]
    names, rows = np.unique(history.months, return_counts=True)
    assert names.tolist() == [f"gt_{y}.csv {m:02}" for y in (2011, 2012) for m in range(1, 13)]
    assert set(rows[:12]) == {2}
    assert sorted(rows[12:]) == [2] * 6 + [3] * 6
    assert set(history.files[:24]) == {"gt_2011.csv"}


def test_a_time_may_have_an_offset(tmp_path: Path) -> None:
    history = read_history(TURBINE, [turbine_file(tmp_path, 2011, 24)])
    assert history.begin("2011-01-01T12:00+02:00") == np.datetime64("2011-01-01T10:00")
    with pytest.raises(RecipeError, match=r"neither one of the files \(gt_2011.csv\) nor a time"):
        history.begin("gt_2010.csv")


def test_files_with_times_have_calendar_months(tmp_path: Path) -> None:
    path = tmp_path / "sgsc_smart_meter10.csv"
    path.write_text(
        "customer_id,reading_datetime,general_supply_kwh\n"
        "1,2012-03-01 12:00:00,0.2\n1,2012-02-29 12:00:00,0.1\n2,2012-02-29 12:00:00,NA\n"
    )
    history = read_history(get_feed("smart_meter"), [path])
    assert history.months.tolist() == ["2012-02", "2012-02", "2012-03"]
    assert history.readings.sensors.tolist() == ["1", "2", "1"]
    np.testing.assert_array_equal(history.readings.values["kwh"], [0.1, np.nan, 0.2])


def test_the_same_name_twice_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = turbine_file(tmp_path, 2011, 24)
    with pytest.raises(RecipeError, match="a name stands there twice"):
        read_history(TURBINE, [path, path])
    with pytest.raises(RecipeError, match="found no rows"):
        read_history(TURBINE, [turbine_file(tmp_path, 2012, 0)])
