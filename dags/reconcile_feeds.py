"""Accounts for every offset of every feed, each hour: topic, ledger, rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.contract.loader import feed_titles
from vigie.orchestration.triage import triage

PAGE = triage(
    does="Proves per feed that the ledger's ranges tile each partition, that messages read = "
    "stored + copies + conflicts + quarantined, and that days and panes hold what was counted. An "
    "hourly run counts the readings of the days that changed since they were last found right; "
    "once a day a run counts them all. Each run is kept: `vigie reconcile --history 24`.",
    red="Offsets or rows do not add up; the task's log names each fault, with partition or day. "
    "Streams go on. Messages not read yet are lag, not a fault.",
    todo="Read the faults, then `vigie reconcile FEED` for the whole count. A gap in the ranges or "
    "a day that lacks readings means that rows were changed by hand or that a backup was restored: "
    "see `vigie stream events FEED`, and `ops.ledger` around the named offsets.",
)


@dag(
    dag_id="reconcile_feeds",
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["warehouse"],
    doc_md=PAGE,
)
def reconcile_feeds() -> None:
    def reconcile(feed: str) -> int:
        from vigie.orchestration.reconcile_feed import reconcile_or_fail

        return reconcile_or_fail(feed)

    for feed in feed_titles():
        task(reconcile, task_id=feed)(feed)


reconcile_feeds()
