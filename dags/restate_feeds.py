"""Recomputes a past day of each feed from the lake: restate_<feed>, one logical date one day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Param, dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.contract.loader import load_feeds
from vigie.lake.spark_options import submit_options
from vigie.orchestration.facts_changed import FACTS_CHANGED
from vigie.orchestration.restate import PERSON, PREFER, RESTATE_PAGE, WHICH, skip_unless_due
from vigie.orchestration.rows import restated, telling_rows
from vigie.settings import get_settings


def make_dag(feed: str) -> None:
    @dag(
        dag_id=f"restate_{feed}",
        schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie", "retries": 0},
        params={
            "reason": Param("", description="Why, for the record.", type="string"),
            "prefer": Param("first", description=WHICH, enum=PREFER),
        },
        tags=["lake", feed],
        doc_md=RESTATE_PAGE,
    )
    def restate_feed() -> None:
        @task
        def due(logical_date: Any = None, dag_run: Any = None) -> None:
            skip_unless_due(feed, logical_date, str(dag_run.run_type.value))

        arguments = [feed, "{{ logical_date | ds }}", f"--person={PERSON}"]
        arguments += ["--reason={{ params.reason }}", "--prefer={{ params.prefer }}"]
        due() >> SparkSubmitOperator(
            task_id="restate",
            conn_id="spark_local",
            application=str(get_settings().spark_apps / "restate_day.py"),
            application_args=arguments,
            conf=submit_options(),
            driver_memory="1g",
            env_vars={"SPARK_LOCAL_IP": "127.0.0.1"},
            pool="heavy",
            outlets=[FACTS_CHANGED],
            **telling_rows(lambda: restated(feed)),
        )

    restate_feed()


for name in load_feeds():
    make_dag(name)
