"""Compaction inside Airflow: a backfill takes the month of each logical date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.airflow import RUN, Airflow
from tests.local_stack import LocalStack, wait_for
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(2400)]

DAG, DAY = "compact_facts", "2011-02-01"


def test_a_backfill_compacts_a_month_once(local_stack: LocalStack, shared_data: Path) -> None:
    feed, airflow = get_feed("gas_turbine"), Airflow(local_stack)
    read = local_stack.messages_read(feed)
    file = str(shared_data / "gas_turbine" / "gt_2011.csv")
    sent = local_stack.run("replay", feed.name, file, "--json")
    assert sent.returncode == 0, sent.stderr
    local_stack.settle(feed, read + json.loads(sent.stdout)["sent"])

    with airflow.unpaused(DAG):
        airflow.backfill(DAG, DAY, DAY)
        wait_for(lambda: airflow.backfill_ended(DAG), "the backfill to end", RUN)
        (run,) = airflow.runs(DAG, "backfill")
        done = compacted(local_stack)
        airflow.backfill(DAG, DAY, DAY, "--reprocess-behavior", "completed")
        wait_for(lambda: airflow.backfill_ended(DAG), "the second backfill to end", RUN)

    assert run["state"] == "success"
    tasks = airflow.tasks(run)
    assert tasks[feed.name] == "success"
    assert tasks["environment"] == "skipped", "no table of it has that month"
    assert {f"{feed.name}_reading", f"{feed.name}_pane"} <= set(done)
    assert compacted(local_stack) == done, "a second run finds nothing to do"
    local_stack.account(feed)


def compacted(local_stack: LocalStack) -> list[str]:
    """The tables whose month was compacted, a name for each time."""
    rows = local_stack.query(
        f"SELECT table_name FROM ops.compaction WHERE month = '{DAY}' ORDER BY 1"
    )
    return [name for (name,) in rows]
