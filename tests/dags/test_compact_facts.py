from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException
from airflow.utils.types import DagRunType
from sqlalchemy import Engine, select

from tests.warehouse.random_readings import batches, store_all
from vigie.contract.loader import load_feeds
from vigie.settings import HOME
from vigie.warehouse import core

pytestmark = [pytest.mark.dags, pytest.mark.warehouse]

START = datetime(2026, 1, 30, 20, tzinfo=UTC)
FEED = next(iter(load_feeds().values()))


@pytest.fixture(scope="module")
def dag() -> object:
    return DagBag(dag_folder=str(HOME / "dags" / "compact_facts.py")).dags["compact_facts"]


def run(dag: object, day: datetime | None, kind: DagRunType, month: str = "") -> None:
    task = dag.get_task(FEED.name)
    run = SimpleNamespace(run_type=kind)
    task.python_callable(FEED.name, "tests", month, logical_date=day, dag_run=run)


def compacted(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        months = connection.scalars(select(core.compaction.c.month).distinct())
        return {f"{month:%Y-%m}" for month in months}


def test_a_task_per_feed_takes_turns_and_acts_on_whole_days(dag: object) -> None:
    assert {task.task_id for task in dag.tasks} == set(load_feeds())
    assert {task.pool for task in dag.tasks} == {"heavy"}
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"


def test_a_backfill_takes_the_months_of_its_days_and_a_scheduled_run_all(
    dag: object, warehouse: Engine
) -> None:
    store_all(warehouse, FEED, batches(FEED, 1, START, timedelta(days=4)))

    for day in (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)):
        run(dag, day, DagRunType.BACKFILL_JOB)
    assert compacted(warehouse) == {"2026-01"}
    with pytest.raises(AirflowSkipException, match="2011-05: the month is not over, or no table"):
        run(dag, datetime(2011, 5, 5, tzinfo=UTC), DagRunType.BACKFILL_JOB)
    with pytest.raises(AirflowSkipException):
        run(dag, datetime.now(UTC), DagRunType.BACKFILL_JOB)

    run(dag, datetime(2026, 11, 25, tzinfo=UTC), DagRunType.SCHEDULED)
    assert compacted(warehouse) == {"2026-01", "2026-02"}
    run(dag, None, DagRunType.MANUAL, month="2026-02")
    with pytest.raises(AirflowSkipException, match="2011-05"):
        run(dag, None, DagRunType.MANUAL, month="2011-05")
