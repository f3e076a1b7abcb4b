"""Fills the hourly and daily roll-ups of every feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from vigie.contract.loader import load_feeds
from vigie.orchestration.triage import triage

PAGE = triage(
    does="Computes means, minima, maxima, medians and P95 of every hour and day that closed, for "
    "`report.<feed>_hourly` and `report.<feed>_daily`: the hour of the run, and whatever changed "
    "since the run before, because readings came late. A run may be repeated at any time; "
    "`airflow backfill create` computes past hours anew.",
    red="A feed's roll-ups were not computed: they are as old as the last green run. Readings, "
    "panes and windows are not affected.",
    todo="Read the error; most often the warehouse was away. Clear the task, or wait: the next run "
    "catches up with all that is missing.",
)


@dag(
    dag_id="roll_up_feeds",
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["warehouse"],
    doc_md=PAGE,
)
def roll_up_feeds() -> None:
    @task
    def roll_up(
        feed: str,
        data_interval_start: datetime | None = None,
        data_interval_end: datetime | None = None,
    ) -> int:
        from vigie.contract.loader import get_feed
        from vigie.warehouse.roll_ups import roll_up, roll_up_changed

        contract = get_feed(feed)
        done = []
        if data_interval_start and data_interval_end:
            done.append(roll_up(contract, data_interval_start, data_interval_end))
        done.append(roll_up_changed(contract))
        print("of the run, then changed since:", *done)
        return sum(each.hours + each.days for each in done)

    for feed in load_feeds():
        roll_up.override(task_id=feed)(feed)


roll_up_feeds()
