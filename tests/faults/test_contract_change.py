"""A field is added to a contract while its stream runs: nothing is lost, old rows are null."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_stack import RECOVERY, LocalStack, at_stack, running_stack, wait_for
from tests.services import environment
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.local.environment import stack_environment
from vigie.settings import HOME, get_settings

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(1200)]

NAME = "gas_turbine"
NEW = "oil_pressure"


def test_a_field_rolls_through_a_running_stream(tmp_path: Path) -> None:
    shutil.copytree(HOME / "include" / "feeds", tmp_path / "feeds")
    shutil.copytree(HOME / "warehouse_ddl", tmp_path / "ddl")
    (tmp_path / "feeds" / "started.txt").write_text(f"{NAME}\n")
    folders = {"VIGIE_FEEDS": str(tmp_path / "feeds"), "VIGIE_DDL": str(tmp_path / "ddl")}
    state = tmp_path / "state"
    with environment(**folders), running_stack(state) as stack, at_stack(state):
        older = get_feed(NAME)
        stack.send(older, 100, sensor="older")
        stack.settle(older, 100)

        add_field(tmp_path / "feeds" / f"{NAME}.yaml")
        newer = get_feed(NAME)
        clear(stack)
        unmigrated(stack, older, newer)
        for command in ("plan", "apply"):
            done = stack.run("warehouse", command)
            assert done.returncode == 0, done.stdout + done.stderr
        stack.send(newer, 100, sensor="newer")
        stack.run("stream", "restart", NAME)

        account = stack.settle(newer, 250)
        assert (account["stored"], account["quarantined"]) == (250, 0)
        filled = f"SELECT sensor, count(*), count({NEW}) FROM report.{NAME}_reading GROUP BY 1"
        assert sorted(stack.query(filled)) == [
            *(("between", 50, 50), ("newer", 100, 100), ("older", 100, 0)),
        ]
        assert not stack.stream(newer)["contract_differs"]
        assert stack.run("warehouse", "verify").returncode == 0

        # What is right already is rolled by clearing the task alone, and gracefully.
        launch = stack.stream(newer)["launch"]
        add_field(tmp_path / "feeds" / f"{NAME}.yaml", "oil_level")
        for command in ("plan", "apply"):
            assert stack.run("warehouse", command).returncode == 0
        wait_for(lambda: stack.stream(newer)["contract_differs"], "status to tell")
        clear(stack)
        stack.send(get_feed(NAME), 100, sensor="newest")
        assert stack.settle(newer, 350)["stored"] == 350
        outcome = f"SELECT outcome FROM ops.launch WHERE feed = '{NAME}' AND launch = {launch}"
        assert stack.query(outcome) == [("stopped",)]
        assert stack.query("SELECT count(oil_level) FROM fact.gas_turbine_reading") == [(100,)]


def unmigrated(stack: LocalStack, older: Feed, newer: Feed) -> None:
    """Before the migration the driver with the newer contract refuses, naming column and way."""
    state = wait_for(
        lambda: (s := stack.stream(older))["error"] and s, "the newer driver to refuse", RECOVERY
    )
    assert state["error"]["class"] == "MigrationError"
    assert f"{NEW}: missing column" in state["error"]["message"]
    assert "vigie warehouse plan" in state["error"]["message"]
    stack.send(newer, 50, sensor="between")


def add_field(contract: Path, name: str = NEW) -> None:
    text = contract.read_text("utf-8")
    field = f"  {name}: {{unit: bar, valid: [0, 100], description: Added later}}\n"
    contract.write_text(text.replace("fields:\n", f"fields:\n{field}", 1), "utf-8")
    get_settings.cache_clear()


def clear(stack: LocalStack) -> None:
    """Clear the stream's task, as an operator does to have it restarted."""
    airflow = str(Path(sys.executable).with_name("airflow"))
    command = [airflow, "tasks", "clear", "--yes", f"stream_{NAME}"]
    done = subprocess.run(
        command, env=stack_environment(stack.stack), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
