"""Which parts of the stack work, asked of each part itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vigie.broker.admin import is_answering
from vigie.local import (
    airflow_api,
    documents,
    exporter,
    ingest_api,
    mlflow,
    pages,
    postgres,
    powerbi,
    prometheus,
    spark,
)
from vigie.local.control import Control
from vigie.local.simulators import PROGRAM
from vigie.local.stack import Stack, find_stack


@dataclass(frozen=True)
class Service:
    """One part of the stack; `healthy` is what it answered just now."""

    name: str
    address: str
    healthy: bool


def services() -> list[Service]:
    """Check every part, in less than 3 seconds; empty where no stack was ever started."""
    stack = find_stack()
    return check_services(stack) if stack else []


def check_services(stack: Stack) -> list[Service]:
    """Ask the parts of this stack side by side; the simulator only where it was started."""
    checks: tuple[Callable[[Stack], list[Service]], ...] = (
        *(_manager, _postgres, _kafka, _spark, _airflow, _documents, _ingest, _mlflow),
        *(_exporter, _prometheus, _pages, _powerbi, _simulator),
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        found = pool.map(lambda check: check(stack), checks)
        return [service for part in found for service in part]


def _manager(stack: Stack) -> list[Service]:
    return [Service("supervisord", str(stack.socket), Control(stack).alive())]


def _postgres(stack: Stack) -> list[Service]:
    return [Service("postgres", stack.address("postgres"), postgres.is_up(stack))]


def _kafka(stack: Stack) -> list[Service]:
    return [Service("kafka", stack.address("kafka"), is_answering())]


def _spark(stack: Stack) -> list[Service]:
    workers = spark.workers(stack)
    ui, worker = stack.address("spark_master_ui"), stack.address("spark_worker_ui")
    return [
        Service("spark-master", f"http://{ui}", workers is not None),
        Service("spark-worker", f"http://{worker}", bool(workers)),
    ]


def _airflow(stack: Stack) -> list[Service]:
    components = airflow_api.health(stack)
    address = f"http://{stack.address('airflow')}"
    return [
        Service("airflow-api-server", address, components is not None),
        *(
            Service(
                f"airflow-{name.replace('_', '-')}", address, bool(components and components[name])
            )
            for name in ("scheduler", "dag_processor", "triggerer")
        ),
    ]


def _documents(stack: Stack) -> list[Service]:
    address = f"mongodb://{stack.address('documents')}"
    return [
        Service(program.name, address, documents.is_up(stack))
        for program in documents.programs(stack)
    ]


def _ingest(stack: Stack) -> list[Service]:
    address = f"http://{stack.address('ingest')}"
    return [Service(ingest_api.PROGRAM, address, ingest_api.is_up(stack))]


def _mlflow(stack: Stack) -> list[Service]:
    return [Service(mlflow.PROGRAM, f"http://{stack.address('mlflow')}", mlflow.is_up(stack))]


def _exporter(stack: Stack) -> list[Service]:
    address = f"http://{stack.address('exporter')}/metrics"
    return [Service(exporter.PROGRAM, address, exporter.is_up(stack))]


def _powerbi(stack: Stack) -> list[Service]:
    return [Service(powerbi.PROGRAM, f"https://{stack.address('powerbi')}", powerbi.is_up(stack))]


def _pages(stack: Stack) -> list[Service]:
    return [Service(pages.PROGRAM, f"http://{stack.address('pages')}", pages.is_up(stack))]


def _prometheus(stack: Stack) -> list[Service]:
    return [
        Service(part.name, f"http://{stack.address(part.name)}", prometheus.is_up(stack, part.name))
        for part in prometheus.programs(stack)
    ]


def _simulator(stack: Stack) -> list[Service]:
    return [
        Service(state.name, stack.address("kafka"), state.state == "RUNNING")
        for state in Control(stack).states().values()
        if state.name == PROGRAM and state.state != "STOPPED"
    ]
