"""Tells Pushgateway how the runs of bounded DAGs ended, where there is one.

Airflow calls these functions wherever a run's state is decided, which is the scheduler as a rule.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Thread
from time import time
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

log = logging.getLogger(__name__)

_SECONDS = 2.0
JOB = "vigie-dags"


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Push a run that succeeded."""
    _push(dag_run, succeeded=True)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Push a run that failed."""
    _push(dag_run, succeeded=False)


def _push(dag_run: DagRun, *, succeeded: bool) -> None:
    from vigie.settings import get_settings

    gateway = get_settings().pushgateway
    # The run of a stream is not bounded, and its metrics are the exporter's.
    if not gateway or dag_run.dag_id.startswith("stream_"):
        return
    began, ended = dag_run.start_date, dag_run.end_date
    seconds = (ended - began).total_seconds() if began and ended else 0.0
    # The scheduler waits for nobody.
    told = (gateway, dag_run.dag_id, dag_run.run_id, seconds, succeeded)
    Thread(target=_push_with_rows, args=told, name="push", daemon=True).start()


def _push_with_rows(gateway: str, dag: str, run: str, seconds: float, succeeded: bool) -> None:
    from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
    from airflow.utils.session import create_session
    from sqlalchemy.exc import SQLAlchemyError

    rows = None
    try:
        with create_session() as session:
            query = XComModel.get_many(run_id=run, dag_ids=dag, key=XCOM_RETURN_KEY)
            rows = rows_of(map(XComModel.deserialize_value, session.scalars(query)))
    except SQLAlchemyError:
        log.warning("rows of %s %s are not known", dag, run, exc_info=True)
    push(gateway, dag, seconds, succeeded, rows)


def rows_of(results: Iterable[object]) -> int | None:
    """The sum of those results of tasks that are whole numbers; None if there is none."""
    rows = [result for result in results if type(result) is int]
    return sum(rows) if rows else None


def push(gateway: str, dag: str, seconds: float, succeeded: bool, rows: int | None) -> None:
    """Replace what the gateway has of a DAG; a gateway that is away is only logged."""
    from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

    registry = CollectorRegistry()
    values = {
        "vigie_dag_run_seconds": ("How long the last run took.", seconds),
        "vigie_dag_run_succeeded": ("1 if the last run succeeded.", float(succeeded)),
        "vigie_dag_run_timestamp_seconds": ("When the last run ended.", time()),
    }
    if rows is not None:
        values["vigie_dag_run_rows"] = ("What the last run handled.", float(rows))
    for name, (meaning, value) in values.items():
        Gauge(name, meaning, registry=registry).set(value)
    try:
        push_to_gateway(gateway, JOB, registry, grouping_key={"dag": dag}, timeout=_SECONDS)
    except OSError as error:
        log.warning("Pushgateway at %s: %s", gateway, error)
