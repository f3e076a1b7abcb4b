"""The main path as its users walk it, on real data and a whole stack."""

from __future__ import annotations

from pathlib import Path

import httpx
import jwt
import numpy as np
import pandas as pd
import pytest

from tests.local_stack import LocalStack
from vigie.contract.loader import get_feed
from vigie.replay.read import read_files
from vigie.replay.recipes import choose_recipe

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_everything_is_healthy_and_the_default_streams_run(local_stack: LocalStack) -> None:
    status = local_stack.read("status")

    assert [s["name"] for s in status["services"] if not s["healthy"]] == []
    running = {s["feed"] for s in status["streams"] if s["state"] == "running" and s["supervised"]}
    assert running == {"air_quality", "gas_turbine"}


def test_nobody_submits_a_driver_without_the_key(local_stack: LocalStack) -> None:
    url = f"http://{local_stack.stack.address('spark_rest')}/v1/submissions"

    for headers in ({}, {"Authorization": f"Bearer {jwt.encode({}, 'x' * 33)}"}):
        assert httpx.post(f"{url}/create", json={}, headers=headers).status_code == 403
        assert httpx.get(f"{url}/status/driver-1", headers=headers).status_code == 403
    conf = local_stack.stack.state / "spark" / "spark.conf"
    assert conf.stat().st_mode & 0o777 == 0o600


def test_a_second_up_changes_nothing(local_stack: LocalStack) -> None:
    before = local_stack.read("status")["streams"]

    again = local_stack.run("up", "--no-simulators")

    assert again.returncode == 0, again.stderr
    after = local_stack.read("status")["streams"]
    assert [s["launch"] for s in after] == [s["launch"] for s in before]


def test_a_file_is_stored_once_however_often_it_is_sent(
    local_stack: LocalStack, shared_data: Path
) -> None:
    feed = get_feed("gas_turbine")
    file = str(shared_data / "gas_turbine" / "gt_2011.csv")
    before = local_stack.account(feed)

    for copies in (0, 7411):
        sent = local_stack.run("replay", feed.name, file)
        assert sent.returncode == 0, sent.stderr
        account = local_stack.settle(feed, before["read"] + 7411 + copies)
        assert account["stored"] == before["stored"] + 7411
        assert account["copies"] == before["copies"] + copies

    rows = local_stack.read("sql", "SELECT count(*) FROM report.gas_turbine_reading")
    assert rows == {"columns": ["count"], "rows": [[account["stored"]]]}
    replayed = choose_recipe(feed, Path(file)).sensor.value
    newest = f"SELECT nox FROM report.gas_turbine_latest WHERE sensor = '{replayed}'"
    latest = local_stack.read("sql", newest)
    assert latest["rows"] == [[pd.read_csv(file)["NOX"].iloc[-1]]]


def test_six_stations_are_stored_and_summarised_like_pandas(
    local_stack: LocalStack, shared_data: Path
) -> None:
    feed = get_feed("air_quality")
    files = sorted((shared_data / "air_quality").glob("PRSA_Data_*.csv.gz"))
    before = local_stack.account(feed)

    sent = local_stack.run("replay", feed.name, *map(str, files))

    assert sent.returncode == 0, sent.stderr
    account = local_stack.settle(feed, before["read"] + 210_384)
    assert account["stored"] - before["stored"] == 207_828
    assert account["quarantined"] - before["quarantined"] == 2_556
    empty = local_stack.query(
        "SELECT count(*), count(DISTINCT detail) FROM ops.quarantine "
        "WHERE feed = 'air_quality' AND reason = 'empty' AND event_time < '2018-01-01'"
    )
    assert empty == [(2_556, 1)]
    frame = read_files([(file, choose_recipe(feed, file)) for file in files], feed)
    frame["day"] = frame["event_time"].dt.floor("D")
    expected = frame.groupby(["sensor", "day"])[["pm25", "co", "o3"]].mean()
    expected = expected.dropna(how="all").sort_index()
    stations = ", ".join(f"'{name}'" for name in frame["sensor"].unique())
    sums = ", ".join(f"sum({f}_mean * {f}_n) / sum({f}_n)" for f in ("pm25", "co", "o3"))
    rows = local_stack.query(
        f"SELECT sensor, date_trunc('day', pane_start, 'UTC') AS day, {sums} "
        f"FROM report.air_quality_pane WHERE pane_start < '2018-01-01' AND sensor IN ({stations}) "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found = pd.DataFrame(rows, columns=["sensor", "day", "pm25", "co", "o3"], dtype=object)
    assert list(zip(found["sensor"], found["day"], strict=True)) == list(expected.index)
    np.testing.assert_allclose(
        found[["pm25", "co", "o3"]].astype(float), expected.to_numpy(), rtol=1e-9
    )


def test_the_reader_of_sql_cannot_write(local_stack: LocalStack) -> None:
    refused = local_stack.run("sql", "DELETE FROM ops.gap")

    assert refused.returncode == 2
    assert "read-only" in refused.stderr
    assert "Traceback" not in refused.stderr
