"""A warehouse lost with its disk: an older backup beside a broker and a lake that went on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.airflow import Airflow
from tests.local_stack import at_stack, running_stack, vigie
from vigie.contract.loader import get_feed
from vigie.local.stack import find_stack

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(2400)]

BEFORE, BETWEEN, AFTER = 300, 200, 100


def test_every_reading_since_is_loaded_once_in_warehouse_and_lake(tmp_path: Path) -> None:
    state, feed = tmp_path / "state", get_feed("air_quality")
    with running_stack(state) as stack, at_stack(state):
        airflow = Airflow(stack)
        stack.send(feed, BEFORE, sensor="before")
        stack.settle(feed, BEFORE)
        made = stack.run("backup", str(tmp_path / "kept"), "--json")
        assert made.returncode == 0, made.stderr
        launches = stack.launches()[feed.name]

        stack.send(feed, BETWEEN, sensor="between")
        stack.settle(feed, BEFORE + BETWEEN)
        archive(airflow)
        assert vigie("down", timeout=200).returncode == 0
        for lost in ("postgres", "mlflow"):
            shutil.rmtree(state / lost, ignore_errors=True)

        restored = vigie("restore", json.loads(made.stdout)["folder"])
        assert restored.returncode == 0, restored.stderr
        up = vigie("up", "--no-simulators", timeout=600)
        assert up.returncode == 0, up.stdout + up.stderr
        again = find_stack()
        assert again == stack.stack
        stack.send(feed, AFTER, sensor="after")
        account = stack.settle(feed, BEFORE + BETWEEN + AFTER)
        archive(airflow)

        assert (account["stored"], account["copies"]) == (BEFORE + BETWEEN + AFTER, 0)
        assert stack.launches()[feed.name] > launches
        sql = f"SELECT sensor, count(*) FROM report.{feed.name}_reading GROUP BY sensor"
        expected = {"before": BEFORE, "between": BETWEEN, "after": AFTER}
        assert dict(stack.query(sql)) == expected
        checked = stack.run("lake", "check", feed.name)
        assert checked.returncode == 0, checked.stdout
        stack.account(feed)


def archive(airflow: Airflow) -> None:
    """Archive what the topic has, as an operator asks for it."""
    with airflow.unpaused("archive_feeds"):
        airflow.do("dags", "trigger", "archive_feeds")
        assert airflow.finished("archive_feeds", "manual")["state"] == "success"
