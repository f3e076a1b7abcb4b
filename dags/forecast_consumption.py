"""Forecasts the day ahead of each sensor of a feed whose model says so: forecast_<model>."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.contract.loader import load_feeds
from vigie.orchestration.forecast import FORECAST_PAGE, skip_unless_possible
from vigie.orchestration.rows import forecast_by, telling_rows
from vigie.settings import get_settings


def make_dag(feed: str, model: str) -> None:
    @dag(
        dag_id=f"forecast_{model}",
        schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=5)},
        tags=["models", feed],
        doc_md=FORECAST_PAGE,
    )
    def forecast_days() -> None:
        @task
        def due(data_interval_end: Any = None) -> None:
            skip_unless_possible(model, data_interval_end)

        forecast = SparkSubmitOperator(
            task_id="forecast",
            conn_id="spark_local",
            application=str(get_settings().spark_apps / "forecast_meters.py"),
            application_args=[model, "{{ data_interval_end | ds }}"],
            conf={"spark.ui.enabled": "false"},
            driver_memory="1g",
            env_vars={"SPARK_LOCAL_IP": "127.0.0.1"},
            pool="heavy",
            **telling_rows(lambda: forecast_by(feed)),
        )
        due() >> forecast

    forecast_days()


for contract in load_feeds().values():
    if contract.nightly_model:
        make_dag(contract.name, contract.nightly_model.name)
