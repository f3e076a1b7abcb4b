from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.utils.types import DagRunType
from sqlalchemy import Engine, insert

from vigie.contract.loader import load_feeds
from vigie.orchestration.facts_changed import FACTS_CHANGED
from vigie.orchestration.refresh import plan_refreshes
from vigie.orchestration.settle import Settle
from vigie.refresh import record
from vigie.refresh.partitions import first_read_again
from vigie.refresh.plan import NEVER
from vigie.refresh.record import Reach
from vigie.settings import HOME
from vigie.warehouse import core

pytestmark = [pytest.mark.dags, pytest.mark.warehouse]


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(HOME / "dags"))


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    extra = {"group_id": "workspace", "dataset_id": "model", "enhanced": True}
    # pragma: allowlist nextline secret - nobody listens
    made = {"conn_type": "powerbi", "login": "id", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_POWERBI", json.dumps(made))
    return made


def test_it_runs_by_time_or_after_facts_changed_one_run_at_a_time(bag: DagBag) -> None:
    dag = bag.dags["refresh_powerbi"]
    assert dag.max_active_runs == 1
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == [FACTS_CHANGED.name]
    assert dag.timetable.timetable.expression == "0 */4 * * *"


@pytest.mark.parametrize("feed", load_feeds())
def test_restatement_and_compaction_say_that_facts_changed(bag: DagBag, feed: str) -> None:
    for dag, task in ((f"restate_{feed}", "restate"), ("compact_facts", feed)):
        (outlet,) = bag.dags[dag].get_task(task).outlets
        assert outlet.name == FACTS_CHANGED.name


@pytest.mark.parametrize("run_type", DagRunType)
def test_only_a_run_that_events_started_lets_them_settle(run_type: DagRunType) -> None:
    task = Settle(task_id="settle", wait=timedelta(minutes=10))
    context: Any = {"dag_run": SimpleNamespace(run_type=run_type)}
    if run_type == DagRunType.ASSET_TRIGGERED:
        with pytest.raises(TaskDeferred):
            task.execute(context)
    else:
        task.execute(context)


def test_without_a_connection_nothing_is_refreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigie.orchestration.refresh.Connection.get", _missing)
    with pytest.raises(AirflowSkipException, match="no connection `powerbi`"):
        plan_refreshes("scheduled")


def _missing(name: str) -> Any:
    from airflow.sdk.exceptions import AirflowNotFoundException

    raise AirflowNotFoundException(name)


def test_a_connection_without_a_dataset_is_named(connection, monkeypatch) -> None:
    made = connection | {"extra": {"group_id": "workspace"}}
    monkeypatch.setenv("AIRFLOW_CONN_POWERBI", json.dumps(made))
    with pytest.raises(AirflowFailException, match="lacks dataset_id"):
        plan_refreshes("scheduled")


def restate(warehouse: Engine, feed: str, day: date) -> None:
    numbers = ("cut_batch_no", "records", "came", "went", "changed", "alerts_came", "alerts_went")
    numbers += ("quarantined", "released", "left_over", "seconds", "batch_no")
    words = {"person": "p", "prefer": "first", "sums_before": "{}", "sums_after": "{}"}
    at = datetime.now(UTC) - timedelta(hours=1)
    row = dict.fromkeys(numbers, 0) | words | {"feed": feed, "event_date": day, "restated_at": at}
    with warehouse.begin() as open_one:
        open_one.execute(insert(core.restatement).values(row | {"restatement_id": f"{feed}{day}"}))


def test_what_is_asked_for_follows_what_was_restated_and_refreshed(
    connection, warehouse: Engine
) -> None:
    feed = next(iter(load_feeds()))
    first = plan_refreshes("scheduled")
    assert (first["group_id"], first["dataset_id"], first["budget"]) == ("workspace", "model", 8)
    assert not first["recent_reach"]["partitions"]
    assert first["older_body"] is None
    now = datetime.now(UTC)
    done = record.ask(warehouse, "it", Reach(first_read_again(now.date()), NEVER, now, False))
    record.ended(warehouse, done.refresh_id, "completed", "")
    for run_type in ("scheduled", "asset_triggered"):
        with pytest.raises(AirflowSkipException, match="fresh enough"):
            plan_refreshes(run_type)
    assert plan_refreshes("manual")["recent_body"]
    restate(warehouse, feed, date(2016, 1, 3))
    found = plan_refreshes("asset_triggered")
    assert found["recent_body"] is None
    assert {one["partition"] for one in found["older_body"]["objects"]} == {"2016Q101"}
    assert json.loads(json.dumps(found)) == found


def test_partitions_that_failed_are_followed_by_whole_tables(connection, warehouse: Engine) -> None:
    feed, now = next(iter(load_feeds())), datetime.now(UTC)
    restate(warehouse, feed, date(2016, 1, 3))
    reach = Reach(date(1, 1, 1), now.date() - timedelta(days=7), now, True)
    asked = record.ask(warehouse, "it", reach)
    record.ended(warehouse, asked.refresh_id, "failed", "no such partition")
    older = plan_refreshes("scheduled")["older_body"]
    assert all(set(one) == {"table"} for one in older["objects"])


def test_days_before_the_policy_are_refreshed_after_those_of_the_policy(bag: DagBag) -> None:
    dag = bag.dags["refresh_powerbi"]
    assert "refresh_recent" in dag.get_task("refresh_older").upstream_task_ids
