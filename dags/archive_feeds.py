"""Copies what is new in Kafka into the lake, every record as it came, and keeps its files few."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.lake.spark_options import submit_options
from vigie.orchestration.lake import ARCHIVE_PAGE, find_news, maintain_all
from vigie.orchestration.rows import archived, telling_rows
from vigie.settings import get_settings


@dag(
    dag_id="archive_feeds",
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    # No retries: a loss is told once, and a second try would hide it.
    default_args={"owner": "vigie", "retries": 0},
    tags=["lake"],
    doc_md=ARCHIVE_PAGE,
    render_template_as_native_obj=True,  # The argument is a list of names.
)
def archive_feeds() -> None:
    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def news() -> list[str]:
        return find_news()

    archive = SparkSubmitOperator(
        task_id="archive",
        conn_id="spark_local",
        application=str(get_settings().spark_apps / "archive_records.py"),
        application_args="{{ ti.xcom_pull('news') }}",  # type: ignore[arg-type]
        conf=submit_options(),
        driver_memory="1g",
        env_vars={"SPARK_LOCAL_IP": "127.0.0.1"},
        pool="heavy",
        **telling_rows(archived),
    )

    @task(trigger_rule="none_failed")
    def maintain() -> None:
        maintain_all()

    news() >> archive >> maintain()


archive_feeds()
