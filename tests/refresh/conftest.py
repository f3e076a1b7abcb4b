from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

# Airflow reads these when it is imported, before any fixture runs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger
from sqlalchemy import Engine

from vigie.orchestration.refresh_dataset import RefreshDataset
from vigie.powerbi_emulator.server import connection, serving
from vigie.powerbi_emulator.service import Service

GROUP, DATASET = "f089354e-8366-4e18-aea3-4cb4a3a50b48", "cfafbeb1-8037-4d0c-896e-a46fb27ff229"
REACH = {
    "first_day": "2026-01-01",
    "last_day": "9999-12-31",
    "covers_until": "2026-01-08T00:00:00+00:00",
    "partitions": False,
}


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, dict[str, Any]]]:
    """The emulator over TLS for all tests of the run, and the Airflow connection to it."""
    folder = tmp_path_factory.mktemp("powerbi")
    service = Service(client_id="vigie", secret="s3cret", group=GROUP, dataset=DATASET)
    with serving(service, folder) as address:
        yield service, connection(service, address, folder / "certificate.pem")


@pytest.fixture
def service(emulator: tuple[Service, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Service:
    """The emulated service, without history, and Airflow's connection `powerbi` to it."""
    service, made = emulator
    monkeypatch.setenv("AIRFLOW_CONN_POWERBI", json.dumps(made))
    for past in (service.refreshes, service.fates, service.troubles, service.asked):
        past.clear()
    return service


@pytest.fixture
def operator(service: Service, warehouse: Engine) -> Callable[..., RefreshDataset]:
    """Makes the operator as a DAG does; its record is in a warehouse of the test's own."""

    def make(**arguments: Any) -> RefreshDataset:
        usual = {"group_id": GROUP, "dataset_id": DATASET, "body": {"type": "full"}}
        usual |= {"reach": REACH, "poll": 0.05}
        return RefreshDataset(task_id="refresh", **(usual | arguments))

    return make


def context(run: str = "manual", *, cleared: int = 0) -> Any:
    """What of Airflow's context the operator looks at."""
    ti = SimpleNamespace(dag_id="refresh_powerbi", run_id=run, task_id="refresh", map_index=0)
    return {"ti": ti, "dag_run": SimpleNamespace(clear_number=cleared)}


def deferral(step: Callable[[], Any]) -> TaskDeferred:
    """What a step of a task defers to."""
    with pytest.raises(TaskDeferred) as deferred:
        step()
    return deferred.value


def tell(trigger: BaseTrigger) -> dict[str, Any]:
    """What a trigger tells, made anew from its serialised form, as a triggerer does."""
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    made = getattr(__import__(module, fromlist=[name]), name)(
        **json.loads(json.dumps(arguments)), of_newer_code=1
    )

    async def first() -> dict[str, Any]:
        try:
            async for event in made.run():
                return dict(event.payload)
            raise AssertionError("it told nothing")
        finally:
            await made.cleanup()

    return asyncio.run(first())


def resume(task: RefreshDataset, deferred: TaskDeferred, at: Any) -> Callable[[], Any]:
    """The step of the task that follows what the trigger tells."""
    event = tell(deferred.trigger)
    step = getattr(task, deferred.method_name)
    return lambda: step(at, event=event, **(deferred.kwargs or {}))


def run_through(task: RefreshDataset, at: Any) -> Any:
    """Run a task from its start to its end, deferrals included; what it returns or raises."""
    step: Callable[[], Any] = lambda: task.execute(at)  # noqa: E731
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            step = resume(task, deferred, at)
