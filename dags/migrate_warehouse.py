"""Brings the warehouse's schema up to the committed migration files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.orchestration.triage import triage

PAGE = triage(
    does="Runs every file of `warehouse_ddl` that the warehouse lacks: in order, under a lock, "
    "one transaction each. Its log names the files that ran.",
    red="A file failed and was rolled back, or a file changed after it ran. The warehouse is as "
    "the file before left it; streams go on.",
    todo="Read the error: it names the file. Restore a changed file and put the change into a new "
    "one; repair a failing file; then clear the task.",
)


@dag(
    dag_id="migrate_warehouse",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["warehouse"],
    doc_md=PAGE,
)
def migrate_warehouse() -> None:
    @task
    def migrate() -> list[str]:
        from vigie.warehouse.migrate import apply

        files = apply()
        print("\n".join(files) or "the warehouse lacks no file")
        return files

    migrate()


migrate_warehouse()
