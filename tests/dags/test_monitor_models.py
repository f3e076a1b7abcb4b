from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException

from vigie.contract.loader import load_feeds
from vigie.monitoring import clock
from vigie.monitoring.clock import Due
from vigie.monitoring.record import Check
from vigie.orchestration import monitor_model, watch_event_time
from vigie.orchestration.watch_event_time import WatchEventTime
from vigie.settings import HOME

pytestmark = pytest.mark.dags

MODELS = [feed.model.name for feed in load_feeds().values() if feed.model]
AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(HOME / "dags"))


def test_each_model_has_a_task_that_updates_the_asset_its_training_waits_for(bag: DagBag) -> None:
    dag = bag.dags["monitor_models"]
    assert {task.task_id for task in dag.tasks} == set(MODELS)
    assert dag.max_active_runs == 1
    for name in MODELS:
        (asset,) = dag.get_task(name).outlets
        assert asset.name == f"drift_{name}"
        condition = bag.dags[f"train_{name}"].timetable.asset_condition
        assert [one.name for one in condition.objects] == [asset.name]


class Outlets(dict):
    def __missing__(self, key: Any) -> Any:
        self[key] = SimpleNamespace(extra={})
        return self[key]


@pytest.fixture
def task(bag: DagBag, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the task of a model whose look finds what is given."""

    def run(outcome: Any, reason: str = "because") -> Mapping[str, Any]:
        due = {MODELS[0]: Due(MODELS[0], AT, 0)}
        found = Check(MODELS[0], AT, 4, 72, 5.5, 3.5, outcome, reason) if outcome else None
        monkeypatch.setattr(clock, "due_models", lambda connection, feeds: due)
        engine = SimpleNamespace(connect=lambda: _Nothing())
        monkeypatch.setattr("vigie.warehouse.engines.get_engine", lambda: engine)
        monkeypatch.setattr("vigie.monitoring.check.check_model", lambda name: found)
        outlets = Outlets()
        monitor = bag.dags["monitor_models"].get_task(MODELS[0])
        monitor.python_callable(MODELS[0], outlet_events=outlets)
        (event,) = outlets.values()
        return event.extra

    return run


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("outcome", ["drift", "no champion"])
def test_who_asks_for_a_training_says_for_which_event_time(task: Any, outcome: str) -> None:
    extra = task(outcome)
    assert extra == {"event_time": AT.isoformat(), "reason": "because", "version": 4}


@pytest.mark.parametrize("outcome", ["quiet", "returned", "registry away", None])
def test_a_task_that_asks_for_nothing_is_skipped(task: Any, outcome: str | None) -> None:
    with pytest.raises(AirflowSkipException, match=outcome or "no reading yet"):
        task(outcome)


def test_a_model_whose_event_time_stands_still_is_not_looked_at(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_model, "_is_due", lambda model: False)
    with pytest.raises(AirflowSkipException, match="stands still"):
        task("drift")


async def told(trigger: WatchEventTime, *steps: Mapping[str, Due] | Exception) -> list[Any]:
    """The models of each event, while the looks find one after the other."""
    events: list[Any] = []
    current: list[Any] = [{}]

    def look() -> Mapping[str, Due]:
        if isinstance(current[0], Exception):
            raise current[0]
        return current[0]

    trigger._look = look  # type: ignore[method-assign]

    async def listen() -> None:
        async for event in trigger.run():
            events.append([*event.payload])

    listening = asyncio.create_task(listen())
    for step in steps:
        current[0] = step
        await asyncio.sleep(0.3)
    listening.cancel()
    await asyncio.wait([listening], timeout=2)
    assert listening.cancelled()
    return events


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_event_time, "POLL_SECONDS", 0.01)


def test_a_model_is_told_of_once_until_somebody_looked(quick: None) -> None:
    a, b = Due("a", AT, 0), Due("b", AT, 7)
    events = asyncio.run(
        told(WatchEventTime(), {}, {"a": a}, {"a": a, "b": b}, {"b": b}, {"a": Due("a", AT, 8)})
    )
    assert events == [["a"], ["b"], ["a"]]


def test_a_model_nobody_looked_at_is_told_of_again(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_event_time, "UNANSWERED_SECONDS", 0.1)
    assert len(asyncio.run(told(WatchEventTime(), {"a": Due("a", AT, 0)}))) >= 2


def test_the_watch_outlives_errors_and_says_each_once(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = RuntimeError("no warehouse")
    assert asyncio.run(told(WatchEventTime(), lost, {"a": Due("a", AT, 0)})) == [["a"]]
    assert capsys.readouterr().out.count("no warehouse") == 1


def test_the_trigger_survives_serialisation_and_newer_arguments() -> None:
    path, arguments = WatchEventTime().serialize()
    module, _, name = path.rpartition(".")
    assert getattr(import_module(module), name)(**arguments, newer=1).serialize() == (path, {})
