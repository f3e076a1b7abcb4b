"""Stops the stack: what could start others first, the database last, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch

import psutil

from vigie.errors import StackError
from vigie.local import exporter, ingest_api, mlflow, pages, powerbi, prometheus, simulators
from vigie.local.control import Control
from vigie.local.lock import hold
from vigie.local.processes import describe, end, stack_processes
from vigie.local.stack import Stack

_ORDER = (
    # Nothing relaunches a driver once these two are gone.
    ("airflow-triggerer", "airflow-scheduler"),
    ("airflow-dag-processor", "airflow-api-server", ingest_api.PROGRAM, simulators.PROGRAM),
    (*prometheus.NAMES, exporter.PROGRAM, pages.PROGRAM, powerbi.PROGRAM),
    (mlflow.PROGRAM, "spark-worker"),
    ("spark-master", "kafka"),
    ("postgres",),
)
_LONGEST = 75.0


def stop_stack(stack: Stack, say: Callable[[str], None]) -> None:
    """End every process of the stack; its state stays and `vigie up` carries on with it.

    Raises:
        StackError: A process could not be ended; it is named.
    """
    with hold(stack.state / ".lock"):
        _stop_programs(stack, say)


def _stop_programs(stack: Stack, say: Callable[[str], None]) -> None:
    control = Control(stack)
    for names in _ORDER:
        running = [n for n, state in control.states().items() if state.running]
        chosen = [n for n in running if any(fnmatch(n, pattern) for pattern in names)]
        if chosen:
            say(f"stopping {', '.join(chosen)}")
            control.stop(chosen, timeout=_LONGEST)
    _end_manager(control)
    left = stack_processes(stack)
    if left:
        say(f"ending what is left: {describe(left)}")
    remaining = end(left)
    if remaining:
        message = f"could not end {describe(remaining)}; end them by hand with kill -9"
        raise StackError(message)


def _end_manager(control: Control) -> None:
    if not control.alive():
        return
    # It may be gone, or refuse to wait for what nobody can end: then it is left over, too.
    with suppress(psutil.Error):
        manager = psutil.Process(control.pid())
        control.shutdown()
        manager.wait(timeout=20)
