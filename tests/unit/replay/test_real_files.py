from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from vigie.contract.loader import get_feed
from vigie.replay.read import read_files
from vigie.replay.recipes import choose_recipe
from vigie.replay.send import messages


@pytest.mark.parametrize(
    ("feed", "pattern", "rows", "first", "last"),
    [
        ("gas_turbine", "gas_turbine/*.csv", 22_191, "2011-01-01T00", "2013-10-25T23"),
        ("air_quality", "air_quality/AirQ*", 9_357, "2004-03-10T17", "2005-04-04T13"),
        ("environment", "environment/*", 8_143, "2015-02-04T17:51", "2015-02-10T09:33"),
        ("fleet", "fleet/nab*", 22_695, "2013-12-02T21:15", "2014-02-19T15:25"),
        ("fleet", "fleet/riotbench*", 1_000, "2015-02-01T00:00:00", "2015-02-01T00:00:59"),
        ("smart_meter", "smart_meter/*", 293_874, "2012-02-09T22", "2014-03-03T02"),
    ],
)
def test_every_row_is_a_message_in_time_order(
    shared_data: Path, feed: str, pattern: str, rows: int, first: str, last: str
) -> None:
    contract = get_feed(feed)
    files = sorted(shared_data.glob(pattern))
    frame = read_files([(path, choose_recipe(contract, path)) for path in files], contract)
    assert len(frame) == rows
    assert frame["event_time"].is_monotonic_increasing
    ends = messages(contract, frame.iloc[[0, -1]])
    seen = [orjson.loads(value)[contract.event_time] for _, value in ends]
    assert seen[0].startswith(first)
    assert seen[1].startswith(last)


def test_values_of_the_beijing_files_survive(shared_data: Path) -> None:
    contract = get_feed("air_quality")
    files = sorted(shared_data.glob("air_quality/PRSA*"))
    frame = read_files([(path, choose_recipe(contract, path)) for path in files], contract)
    assert len(frame) == 210_384
    assert frame["event_time"].iloc[[0, -1]].dt.strftime("%Y-%m-%dT%H").tolist() == [
        "2013-02-28T16",
        "2017-02-28T15",
    ]
    pollutants = frame[["pm25", "pm10", "so2", "no2", "co", "o3"]]
    assert pollutants.isna().any(axis=1).sum() == 18_771
    assert pollutants.isna().all(axis=1).sum() == 2_556
    assert pollutants["co"].max() == 10_000
    assert frame["sensor"].nunique() == 6
