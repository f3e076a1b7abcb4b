"""Refreshing under a live scheduler, against the stack's emulator of Power BI's service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.airflow import Airflow
from tests.local_stack import LocalStack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DAG = "refresh_powerbi"


def test_an_operators_run_refreshes_by_the_policy(local_stack: LocalStack) -> None:
    airflow = Airflow(local_stack)

    airflow.do("dags", "trigger", DAG)
    run = airflow.finished(DAG, "manual")

    assert run["state"] == "success"
    tasks = airflow.tasks(run)
    assert (tasks["refresh_recent"], tasks["refresh_older"]) == ("success", "skipped")
    assert refreshes(local_stack, run) == [("completed", False)]


@pytest.mark.campaign
@pytest.mark.timeout(2400)
def test_a_compaction_is_followed_by_a_refresh(local_stack: LocalStack) -> None:
    airflow = Airflow(local_stack)

    airflow.do("dags", "trigger", "compact_facts")
    assert airflow.finished("compact_facts", "manual")["state"] == "success"
    run = airflow.finished(DAG, "asset_triggered")

    tasks = airflow.tasks(run)
    assert (run["state"], tasks["settle"]) == ("success", "success")
    # One within the last two hours, by whatever other run, is fresh enough.
    if tasks["refresh_recent"] != "skipped":
        assert refreshes(local_stack, run) == [("completed", False)]


def refreshes(local_stack: LocalStack, run: dict[str, Any]) -> list[tuple[str, bool]]:
    """The end of each refresh that a run asked for, and whether it named partitions."""
    sql = "SELECT state, partitions, asked_for FROM ops.refresh ORDER BY asked_at"
    found = local_stack.query(sql)
    return [(state, named) for state, named, asked in found if run["dag_run_id"] in asked]
