from __future__ import annotations

import getpass
import json
import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner, Result

from tests.dialects import mssql_in_campaign
from tests.services import environment
from tests.warehouse.streams import change_launch, events, insert_gap, look
from vigie.cli import app
from vigie.contract.loader import load_feeds
from vigie.local.status import Service
from vigie.settings import get_settings
from vigie.supervision.failure import Failure
from vigie.supervision.launches import close, record_submission, relaunch
from vigie.supervision.output import worker_folder
from vigie.warehouse.core import watch
from vigie.warehouse.moments import Ago

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]
FEED, CONTRACT = next(iter(load_feeds().items()))
ME = getpass.getuser()


def vigie(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_start_and_stop_set_the_switch_in_ones_own_name(warehouse: Engine) -> None:
    for command, desired in (("start", "running"), ("stop", "stopped"), ("start", "running")):
        result = vigie("stream", command, FEED)
        assert result.exit_code == 0
        assert f"now set to {desired}" in result.output
        assert look(warehouse, FEED).desired == desired
    assert "already set to running" in vigie("stream", "start", FEED).output
    assert events(warehouse, FEED) == [("start", ME), ("stop", ME), ("start", ME)]


def test_restart_names_the_newest_launch(warehouse: Engine) -> None:
    vigie("stream", "start", FEED)
    assert vigie("stream", "restart", FEED).exit_code == 1
    relaunch(warehouse, CONTRACT, after=0)
    assert "restart of launch 1" in vigie("stream", "restart", FEED).output
    assert "requested already" in vigie("stream", "restart", FEED).output
    assert look(warehouse, FEED).requested_at is not None


def test_resume_names_each_gap_and_accepts_only_when_told(warehouse: Engine) -> None:
    assert "no gap" in vigie("stream", "resume", FEED).output
    insert_gap(warehouse, FEED, begin=0)
    insert_gap(warehouse, FEED, begin=50)
    shown = vigie("stream", "resume", FEED)
    assert shown.exit_code == 1
    assert "offsets 0 to 9" in shown.output
    assert "offsets 50 to 59" in shown.output
    assert look(warehouse, FEED).open_gaps == 2
    accepted = vigie("stream", "resume", FEED, "--accept-gap")
    assert accepted.exit_code == 0
    assert accepted.output.count("accepted: ") == 2
    assert look(warehouse, FEED).open_gaps == 0
    assert events(warehouse, FEED) == [("resume", ME)] * 2


def test_log_prints_what_the_driver_said_and_its_error(
    warehouse: Engine, tmp_path, monkeypatch
) -> None:
    settings = SimpleNamespace(state=tmp_path)
    monkeypatch.setattr("vigie.supervision.output.get_settings", lambda: settings)
    assert "never submitted" in vigie("stream", "log", FEED).output
    relaunch(warehouse, CONTRACT, after=0)
    record_submission(warehouse, FEED, 1, submission="driver-1")
    assert "worker is elsewhere" in vigie("stream", "log", FEED).output
    worker_folder("driver-1").mkdir(parents=True)
    (worker_folder("driver-1") / "stderr").write_text("Launch Command: java\none\ntwo\nthree\n")
    close(warehouse, FEED, outcome="failed", failure=Failure(1, "Boom", "told to", "last words"))
    told = vigie("stream", "log", FEED, "--lines", "2").output
    assert "two\nthree" in told
    assert "one" not in told
    assert "Launch Command" not in told
    assert "error of launch 1: Boom: told to\nlast words" in told


def test_events_name_who_did_what(warehouse: Engine) -> None:
    for command in ("start", "stop"):
        vigie("stream", command, FEED)
    told = json.loads(vigie("stream", "events", FEED, "--json").output)["events"]
    assert [(event["kind"], event["person"]) for event in told] == [("start", ME), ("stop", ME)]
    table = vigie("stream", "events", FEED, "--last", "1").output
    assert "stop" in table
    assert "start" not in table
    assert ME in table


def test_what_reads_can_be_read_by_programs(warehouse: Engine) -> None:
    insert_gap(warehouse, FEED, begin=0)
    shown = vigie("stream", "resume", FEED, "--json")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["gaps"][0]["end_offset"] == 10
    told = json.loads(vigie("stream", "log", FEED, "--json").output)
    assert told == {"launch": None, "submission": None, "output": {}, "error": None}


@pytest.mark.parametrize("command", ["start", "stop", "restart", "resume", "log", "events"])
def test_an_unknown_feed_is_named(warehouse: Engine, command: str) -> None:
    result = vigie("stream", command, "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.output


def test_status_lists_services_and_every_stream(warehouse: Engine, monkeypatch) -> None:
    monkeypatch.setattr("vigie.local.status.services", lambda: [Service("kafka", "here:1", True)])
    relaunch(warehouse, CONTRACT, after=0)
    vigie("stream", "start", FEED)
    change_launch(warehouse, FEED, 1, submission_id=None)
    told = json.loads(vigie("status", "--json").output)
    assert told["services"] == [{"name": "kafka", "address": "here:1", "healthy": True}]
    assert {stream["feed"]: stream["state"] for stream in told["streams"]} == {
        feed: "starting" if feed == FEED else "stopped" for feed in load_feeds()
    }
    assert told["disk"]["free"] > 0
    assert {"part", "bytes"} == set(told["disk"]["parts"][0])
    people = vigie("status").output
    assert "kafka" in people
    assert f"nobody watches it yet; unpause the DAG stream_{FEED}" in people
    old = Ago(timedelta(hours=2))
    with warehouse.begin() as connection:
        connection.execute(insert(watch).values(feed=FEED, watched_at=old))
    assert f"{FEED}: nobody watches it since" in vigie("status").output


def test_status_names_a_wrong_contract_beside_the_other_streams(
    warehouse: Engine, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr("vigie.local.status.services", list)
    shutil.copytree(get_settings().feeds, tmp_path / "feeds")
    (tmp_path / "feeds" / f"{FEED}.yaml").write_text("title: nothing else\n")
    with environment(VIGIE_FEEDS=str(tmp_path / "feeds")):
        shown = vigie("status", "--json")
        people = vigie("status").output
    streams = {
        stream["feed"]: stream["contract_fault"] for stream in json.loads(shown.output)["streams"]
    }
    assert [feed for feed, fault in streams.items() if fault] == [FEED]
    assert streams.keys() == load_feeds().keys()
    assert f"{FEED}: it cannot be launched: " in people


def test_status_says_that_streams_wait_for_disk(warehouse: Engine, monkeypatch) -> None:
    monkeypatch.setattr("vigie.local.status.services", list)
    assert "streams wait" not in vigie("status").output
    with environment(VIGIE_DISK_FLOOR="1e9"):
        told = vigie("status").output
    assert "below 1000000000.0 GB (VIGIE_DISK_FLOOR) free streams wait" in told
