"""Keeps the closed months of every feed's fact tables dense, and removes what expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.contract.loader import load_feeds
from vigie.orchestration.compact import COMPACT_PAGE, PERSON
from vigie.orchestration.facts_changed import FACTS_CHANGED


@dag(
    dag_id="compact_facts",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=5)},
    params={
        "month": Param(
            "",
            description="One month, such as 2026-10; else all closed ones that changed.",
            type="string",
            pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$",
        )
    },
    tags=["warehouse"],
    doc_md=COMPACT_PAGE,
)
def compact_facts() -> None:
    @task(pool="heavy", outlets=[FACTS_CHANGED])
    def compact(
        feed: str, person: str, month: str, logical_date: Any = None, dag_run: Any = None
    ) -> int:
        from vigie.orchestration.compact import compact as run

        return run(feed, person, month, logical_date, str(dag_run.run_type.value))

    for feed in load_feeds():
        compact.override(task_id=feed)(feed, PERSON, "{{ params.month }}")


compact_facts()
