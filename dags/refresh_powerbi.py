"""Refreshes the Power BI dataset on a timetable, or after a restatement or a compaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from vigie.orchestration.facts_changed import FACTS_CHANGED
from vigie.orchestration.refresh import REFRESH_PAGE, TIMETABLE, plan_refreshes
from vigie.orchestration.refresh_dataset import RefreshDataset
from vigie.orchestration.settle import Settle
from vigie.settings import get_settings


@dag(
    dag_id="refresh_powerbi",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(TIMETABLE, timezone="UTC"), assets=[FACTS_CHANGED]
    ),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["reports"],
    doc_md=REFRESH_PAGE,
)
def refresh_powerbi() -> None:
    @task(multiple_outputs=True)
    def plan(dag_run: Any = None) -> dict[str, Any]:
        return plan_refreshes(str(dag_run.run_type.value))

    settled = Settle(task_id="settle", wait=timedelta(seconds=get_settings().refresh_settle))
    planned = plan()
    settled >> planned
    # One after the other, the days that a refresh by the policy does not read again last.
    recent, older = (
        RefreshDataset(
            task_id=f"refresh_{which}",
            group_id=planned["group_id"],
            dataset_id=planned["dataset_id"],
            budget=planned["budget"],
            body=planned[f"{which}_body"],
            reach=planned[f"{which}_reach"],
            trigger_rule="none_failed_min_one_success",
        )
        for which in ("recent", "older")
    )
    recent >> older


refresh_powerbi()
