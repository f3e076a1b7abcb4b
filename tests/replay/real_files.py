"""What has to become of the real files, worked out with pandas and without Vigie's recipes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

Read = Callable[[list[Path]], pd.DataFrame]


@dataclass(frozen=True)
class RealFile:
    """Files of one kind, and how to read them as rows in the order in which they are sent.

    `read` gives sensor, event_time, the fields' values, and `reason`: why the row is quarantined,
    or nothing.
    """

    name: str
    feed: str
    pattern: str
    read: Read
    quarantined: dict[str, int]
    stored: int
    alerts: dict[str, int]
    long: bool = False


def _csv(path: Path, **options: Any) -> pd.DataFrame:
    # By default pandas rounds the last digit.
    return pd.read_csv(path, float_precision="round_trip", **options)


def _senml(paths: list[Path]) -> pd.DataFrame:
    rows = []
    for line in paths[0].read_text().splitlines():
        pack = json.loads(line.partition(",")[2])
        values = {each["n"]: each.get("sv", each.get("v")) for each in pack["e"]}
        rows.append(values | {"event_time": pack["bt"]})
    frame = pd.DataFrame(rows).rename(columns={"source": "sensor"})
    numbers = ["latitude", "longitude", "temperature", "humidity", "light", "dust"]
    frame[numbers] = frame[numbers].astype(float)
    frame["dust"] = frame["dust"].where(frame["dust"] != -1)
    frame["event_time"] = pd.to_datetime(frame["event_time"], unit="ms", utc=True)
    frame["reason"] = (frame["latitude"].abs() > 90).map({True: "position", False: None})
    return frame.drop(columns="airquality_raw")


def _machine(paths: list[Path]) -> pd.DataFrame:
    raw = _csv(paths[0])
    frame = pd.DataFrame({"event_time": pd.to_datetime(raw["timestamp"], utc=True)})
    frame["sensor"], frame["temperature"] = "machine-1", raw["value"]
    second = raw.duplicated("timestamp")
    frame["reason"] = second.map({True: "conflicting_copy", False: None})
    return frame


def _room(paths: list[Path]) -> pd.DataFrame:
    raw = _csv(paths[0])
    frame = raw.rename(columns={"Temperature": "temperature", "Humidity": "humidity", "CO2": "co2"})
    frame["event_time"] = pd.to_datetime(raw["date"], utc=True)
    frame["sensor"], frame["reason"] = "room-1", None
    return frame[["sensor", "event_time", "temperature", "humidity", "co2", "reason"]]


def _italian_city(paths: list[Path]) -> pd.DataFrame:
    raw = _csv(paths[0], sep=";", decimal=",", na_values=["-200"]).dropna(how="all")
    local = pd.to_datetime(raw["Date"] + " " + raw["Time"], format="%d/%m/%Y %H.%M.%S")
    frame = pd.DataFrame({"event_time": (local - pd.Timedelta("1h")).dt.tz_localize("UTC")})
    frame["sensor"], frame["co"], frame["no2"] = (
        "italian-city",
        raw["CO(GT)"] * 1000,
        raw["NO2(GT)"],
    )
    nothing = frame[["co", "no2"]].isna().all(axis=1)
    frame["reason"] = nothing.map({True: "empty", False: None})
    return frame


def _turbine(paths: list[Path]) -> pd.DataFrame:
    years = []
    for path in paths:
        year = _csv(path).rename(columns=str.lower)
        start = pd.Timestamp(f"{path.stem[-4:]}-01-01", tz="UTC")
        year["event_time"] = start + pd.to_timedelta(range(len(year)), unit="h")
        years.append(year)
    frame = pd.concat(years, ignore_index=True)
    frame["sensor"], frame["reason"] = "turbine-1", None
    return frame


def _households(paths: list[Path]) -> pd.DataFrame:
    raw = _csv(paths[0], dtype={"customer_id": str})
    local = pd.to_datetime(raw["reading_datetime"])
    frame = pd.DataFrame({"event_time": (local - pd.Timedelta("10h")).dt.tz_localize("UTC")})
    frame["sensor"], frame["kwh"] = raw["customer_id"], raw["general_supply_kwh"]
    frame["reason"] = None
    return frame


FILES = [
    RealFile(
        *("riotbench", "fleet", "fleet/riotbench*", _senml),
        quarantined={"position": 7},
        stored=993,
        alerts={},
    ),
    RealFile(
        *("nab", "fleet", "fleet/nab*", _machine),
        quarantined={"conflicting_copy": 12},
        stored=22_683,
        alerts={"overheated": 18_296},
    ),
    RealFile(
        *("occupancy", "environment", "environment/occupancy*", _room),
        quarantined={},
        stored=8_143,
        alerts={"co2_high": 224},
    ),
    RealFile(
        *("italian_city", "air_quality", "air_quality/AirQualityUCI*", _italian_city),
        quarantined={"empty": 1_226},
        stored=8_131,
        alerts={"no2_high": 386},
    ),
    RealFile(
        *("turbine", "gas_turbine", "gas_turbine/gt_*", _turbine),
        quarantined={},
        stored=22_191,
        alerts={"nox_high": 436, "co_high": 19},
        long=True,
    ),
    RealFile(
        *("households", "smart_meter", "smart_meter/sgsc*", _households),
        quarantined={},
        stored=293_874,
        alerts={"consumption_high": 7},
        long=True,
    ),
]
