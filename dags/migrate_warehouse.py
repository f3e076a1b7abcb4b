"""Brings the warehouse's schema up to the committed migration files, and keeps house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.orchestration.triage import triage

PAGE = triage(
    does="`migrate` runs every file of `warehouse_ddl` that the warehouse lacks: in order, under a "
    "lock, one transaction each; its log names them. It then compares the warehouse with contracts "
    "and files, as `vigie warehouse verify` does. Then the housekeeping: `fold` makes ledger rows "
    "older than 7 days one per topic, partition and day, and removes what was recorded of launches "
    "more than 90 days ago; `clean` removes Airflow's own runs and task logs of that age.",
    red="`migrate`: a file failed and was rolled back, or a file changed after it ran; the "
    "warehouse is as the file before left it. Or it was changed by other means: each column or "
    "view that differs is named. `fold`, `clean`: nothing was removed, and the tables grow. "
    "Streams go on in each case.",
    todo="Read the error. `migrate` names the file: restore a changed one and put the change into "
    "a new one; repair a failing one; undo what was changed by hand. Then clear the task.",
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
        from vigie.orchestration.keep_house import migrate_and_verify

        return migrate_and_verify()

    @task
    def fold() -> None:
        from vigie.orchestration.keep_house import fold_warehouse

        fold_warehouse()

    @task
    def clean() -> None:
        from vigie.orchestration.keep_house import clean_airflow

        clean_airflow()

    migrate() >> fold() >> clean()


migrate_warehouse()
