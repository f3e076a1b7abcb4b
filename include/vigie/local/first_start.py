"""Unpauses DAGs the first time they are started, so that an operator's pause survives.

What they need in Airflow is made before: the pool of bounded Spark jobs, and the connection to the
emulator of Power BI. Either is the operator's afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import monotonic, sleep

from vigie.errors import StackError
from vigie.local import airflow_api, powerbi
from vigie.local.postgres import data_folder
from vigie.local.stack import Stack

_HEAVY = ("heavy", 1)


def prepare_airflow(stack: Stack, dags: Iterable[str], *, timeout: float) -> list[str]:
    """Make what DAGs need in Airflow, and unpause the DAGs that never were; returns those.

    Raises:
        StackError: Airflow does not know one of them after `timeout` seconds; the message has
            what Airflow could not read.
    """
    done = _unpaused(stack)
    waiting = [dag for dag in dags if dag not in done]
    if not waiting:
        return []
    deadline = monotonic() + timeout
    unpaused: list[str] = []
    with airflow_api.log_in(stack) as client:
        airflow_api.ensure_pool(client, *_HEAVY)
        airflow_api.ensure_connection(client, powerbi.CONNECTION, powerbi.airflow_connection(stack))
        while waiting:
            new = [dag for dag in waiting if airflow_api.unpause(client, dag)]
            unpaused += new
            _remember(stack, done | set(unpaused))
            waiting = [dag for dag in waiting if dag not in new]
            if waiting and monotonic() > deadline:
                errors = airflow_api.import_errors(client) or ["no import errors"]
                message = (
                    f"Airflow does not know {', '.join(waiting)} after {timeout:.0f} s: "
                    f"{'; '.join(errors)}. See {stack.log('airflow-dag-processor')}"
                )
                raise StackError(message)
            if waiting:
                sleep(1)
    return unpaused


def _unpaused(stack: Stack) -> set[str]:
    file = _file(stack)
    return set(file.read_text().split()) if file.is_file() else set()


def _remember(stack: Stack, dags: set[str]) -> None:
    _file(stack).write_text("".join(f"{dag}\n" for dag in sorted(dags)))


def _file(stack: Stack) -> Path:
    # Beside the database that knows which DAGs are paused: both go together.
    return data_folder(stack).with_name("unpaused.txt")
