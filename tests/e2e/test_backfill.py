"""Archive and restatement inside Airflow: by schedule, and a week of real days by backfill."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.airflow import RUN, Airflow
from tests.local_stack import LocalStack, wait_for
from tests.readings import message
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(2400)]

FIRST, LAST = date(2016, 1, 1), date(2016, 1, 7)
DAYS = [f"{FIRST + timedelta(days=n)}" for n in range(7)]
IN_WEEK = "event_time >= '2016-01-01T00:00:00Z' AND event_time < '2016-01-08T00:00:00Z'"
DAG = "restate_air_quality"


@pytest.fixture
def feed() -> Feed:
    return get_feed("air_quality")


@pytest.fixture
def airflow(local_stack: LocalStack) -> Airflow:
    return Airflow(local_stack)


@pytest.fixture
def week(
    local_stack: LocalStack, feed: Feed, shared_data: Path, tmp_path: Path
) -> list[tuple[Any, ...]]:
    """Six stations' readings of a week and the days around it, stored; the week's rows."""
    files = sorted((shared_data / "air_quality").glob("PRSA_Data_*.csv.gz"))
    parts = []
    for file in files:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
        around = (rows["year"] == "2016") & (rows["month"] == "1") & (rows["day"].astype(int) < 10)
        parts.append(tmp_path / file.name.removesuffix(".gz"))
        rows[around].to_csv(parts[-1], index=False)
    read = local_stack.messages_read(feed)
    sent = local_stack.run("replay", feed.name, *map(str, parts), "--json")
    assert sent.returncode == 0, sent.stderr
    local_stack.settle(feed, read + json.loads(sent.stdout)["sent"])
    return week_rows(local_stack)


def week_rows(local_stack: LocalStack) -> list[tuple[Any, ...]]:
    """All columns but the batch number."""
    columns = local_stack.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'fact' "
        "AND table_name = 'air_quality_reading' AND column_name <> 'batch_no' ORDER BY 1"
    )
    names = ", ".join(name for (name,) in columns)
    return local_stack.query(
        f"SELECT {names} FROM fact.air_quality_reading WHERE {IN_WEEK} "
        "ORDER BY sensor_id, event_time"
    )


def restated(local_stack: LocalStack, feed: Feed) -> list[dict[str, Any]]:
    """What `vigie restatement list` shows, oldest first."""
    rows = local_stack.read("restatement", "list", feed.name)["restatements"]
    return list(reversed(rows))


def test_the_lake_holds_everything_after_a_scheduled_archive(
    local_stack: LocalStack, airflow: Airflow, feed: Feed, week: list[tuple[Any, ...]]
) -> None:
    with airflow.unpaused("archive_feeds"):
        scheduled = airflow.finished("archive_feeds", "scheduled")
        assert scheduled["state"] == "success"
        assert airflow.tasks(scheduled)["archive"] == "success"
        assert local_stack.run("lake", "check", feed.name).returncode == 0
        (lake,) = local_stack.read("lake", "status", feed.name)["feeds"]
        assert [part["trailing"] for part in lake["partitions"]] == [0] * feed.kafka.partitions
        held = sum(part["messages"] for part in lake["partitions"])
        assert held == local_stack.messages_read(feed)

        airflow.do("dags", "trigger", "archive_feeds")
        again = airflow.finished("archive_feeds", "manual")
        assert airflow.tasks(again)["archive"] == "skipped", "there is nothing new"


def test_a_scheduled_restatement_skips_a_quiet_day_and_takes_a_late_one(
    local_stack: LocalStack, airflow: Airflow, feed: Feed, week: list[tuple[Any, ...]]
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    read = local_stack.messages_read(feed)
    late = json.dumps(message(feed, sensor="late-1", at=noon)).encode()
    local_stack.send_raw(feed, [late], key="late-1")
    local_stack.settle(feed, read + 1)

    with airflow.unpaused("restate_gas_turbine", DAG):
        quiet = airflow.finished("restate_gas_turbine", "scheduled")
        taken = airflow.finished(DAG, "scheduled")
        assert airflow.tasks(quiet) == {"due": "skipped", "restate": "skipped"}
        assert airflow.tasks(taken) == {"due": "success", "restate": "success"}

        # A run by hand restates the day of its logical date, due or not.
        # None of the week that is backfilled later: a day that has a run is left out there.
        airflow.do("dags", "trigger", DAG, "--logical-date", "2016-01-08")
        by_hand = airflow.finished(DAG, "manual")
        assert airflow.tasks(by_hand) == {"due": "success", "restate": "success"}

    (done,) = [row for row in restated(local_stack, feed) if row["event_date"] == f"{yesterday}"]
    assert done["person"] == "airflow (scheduled)"
    assert (done["came"], done["went"], done["changed"]) == (0, 0, 0)
    assert done["records"] >= 1


def test_a_week_is_restated_while_the_driver_is_killed(
    local_stack: LocalStack, airflow: Airflow, feed: Feed, week: list[tuple[Any, ...]]
) -> None:
    gone = local_stack.query(
        f"DELETE FROM fact.air_quality_reading WHERE {IN_WEEK} AND kafka_offset % 3 = 0 RETURNING 1"
    )
    earlier = len(restated(local_stack, feed))

    def done(count: int) -> bool:
        return len(restated(local_stack, feed)) >= earlier + count

    conf = json.dumps({"reason": "rows were lost"})
    with airflow.unpaused(DAG):
        airflow.backfill(DAG, f"{FIRST}", f"{LAST}", "--dag-run-conf", conf)
        wait_for(lambda: done(2), "two days to be restated", RUN)
        kill_and_wait(local_stack, feed)
        assert not done(len(DAYS)), "the driver was killed during the backfill"
        wait_for(lambda: airflow.backfill_ended(DAG), "the backfill to end", RUN)

    runs = [run for run in airflow.runs(DAG, "backfill") if run["logical_date"][:10] in DAYS]
    assert [run["state"] for run in runs] == ["success"] * len(DAYS)
    rows = restated(local_stack, feed)[earlier:]
    # One at a time, but in no certain order.
    assert sorted(row["event_date"] for row in rows) == DAYS
    assert {row["reason"] for row in rows} == {"rows were lost"}
    assert all(row["person"].endswith("(backfill)") for row in rows)
    assert sum(row["came"] for row in rows) == len(gone) > 0
    for row in rows:
        before, after = (json.loads(row[name])["pm25"] for name in ("sums_before", "sums_after"))
        assert before < after
    assert week_rows(local_stack) == week
    wait_for(lambda: local_stack.account(feed)["lag"] == 0, "the stream to be level")
    assert_one_at_a_time(airflow)


def kill_and_wait(local_stack: LocalStack, feed: Feed) -> None:
    """Kill the stream's driver and wait until its successor commits; says how long it took."""
    launch, read = local_stack.stream(feed)["launch"], local_stack.messages_read(feed)
    local_stack.signal_driver(feed, signal.SIGKILL)
    killed = time.monotonic()
    local_stack.send(feed, 100, sensor=f"while-{launch}-is-dead")
    wait_for(lambda: local_stack.messages_read(feed) == read + 100, "the stream to be back")
    print(f"\nkilled during the backfill, back after {time.monotonic() - killed:.1f} s")
    assert local_stack.stream(feed)["launch"] > launch


def assert_one_at_a_time(airflow: Airflow) -> None:
    tries = airflow.heavy_tasks()
    assert len(tries) >= len(DAYS)
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(tries))


def test_days_are_repeated_with_another_reason_and_a_correction_wins(
    local_stack: LocalStack, airflow: Airflow, feed: Feed, week: list[tuple[Any, ...]]
) -> None:
    sensor, at, old = local_stack.query(
        "SELECT sensor, event_time, pm25 FROM report.air_quality_reading WHERE pm25 > 1 "
        "AND event_time >= '2016-01-03T00:00:00Z' ORDER BY event_time, sensor LIMIT 1"
    )[0]
    name = feed.event_time
    corrected = {feed.sensor: sensor, name: at.isoformat(), "pm25": old - 1}
    conflicts = local_stack.account(feed)["conflicts"]
    local_stack.send_raw(feed, [json.dumps(corrected).encode()], key=sensor)
    wait_for(
        lambda: local_stack.account(feed)["conflicts"] == conflicts + 1,
        "the correction to conflict",
    )
    earlier = len(restated(local_stack, feed))
    conf = json.dumps({"reason": "corrected by the station", "prefer": "last"})
    days = ("2016-01-02", "2016-01-03")

    refused = airflow.command(
        *("backfill", "create", "--dag-id", DAG, "--from-date", days[0], "--to-date", days[1]),
        *("--dag-run-conf", '{"prefer": "newest"}'),
    )
    assert refused.returncode != 0
    with airflow.unpaused(DAG):
        for more in ((), ("--dag-run-conf", conf)):
            airflow.backfill(DAG, *days, "--reprocess-behavior", "completed", *more)
            wait_for(lambda: airflow.backfill_ended(DAG), "the backfill to end", RUN)

    rows = restated(local_stack, feed)[earlier:]
    rows = sorted(rows, key=lambda row: (row["prefer"], row["event_date"]))
    assert [row["event_date"] for row in rows] == [*days, *days]
    assert [row["prefer"] for row in rows] == ["first", "first", "last", "last"]
    assert [row["changed"] for row in rows] == [0, 0, 0, 1]
    assert {row["reason"] for row in rows[2:]} == {"corrected by the station"}
    now = local_stack.query(
        f"SELECT pm25 FROM report.air_quality_reading WHERE sensor = '{sensor}' "
        f"AND event_time = '{at.isoformat()}'"
    )
    assert now == [(old - 1,)]
    local_stack.account(feed)
