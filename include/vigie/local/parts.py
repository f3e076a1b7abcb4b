"""The list of the stack's programs, and the ports each of them listens on."""

from __future__ import annotations

from collections.abc import Mapping

from vigie.local import (
    airflow,
    documents,
    exporter,
    ingest_api,
    kafka,
    mlflow,
    pages,
    postgres,
    powerbi,
    prometheus,
    simulators,
    spark,
)
from vigie.local.control import ProgramState
from vigie.local.ports import require_free
from vigie.local.programs import Program
from vigie.local.stack import Stack

LISTENERS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "kafka": ("kafka", "kafka_controller"),
    "spark-master": ("spark_master", "spark_master_ui", "spark_rest"),
    "spark-worker": ("spark_worker_ui",),
    "airflow-api-server": ("airflow",),
    documents.NAME: ("documents",),
    ingest_api.PROGRAM: ("ingest",),
    mlflow.PROGRAM: ("mlflow",),
    exporter.PROGRAM: ("exporter",),
    powerbi.PROGRAM: ("powerbi",),
    pages.PROGRAM: ("pages",),
    **{name: (name,) for name in prometheus.NAMES},
}
"""Which ports a program listens on; the drivers' Spark UIs are not among them."""


def all_programs(stack: Stack) -> list[Program]:
    """Every program the process manager may be asked to start."""
    return [
        postgres.program(stack),
        kafka.program(stack),
        *spark.programs(stack),
        *airflow.programs(stack),
        *documents.programs(stack),
        *simulators.programs(stack),
        ingest_api.program(stack),
        mlflow.program(stack),
        exporter.program(stack),
        powerbi.program(stack),
        pages.program(stack),
        *prometheus.programs(stack),
    ]


def require_ports(stack: Stack, states: Mapping[str, ProgramState]) -> None:
    """Return if every program that is yet to start can have its ports.

    Raises:
        StackError: A port is taken; the message names it and who has it.
    """
    missing = set(prometheus.NAMES) - prometheus.installed().keys()
    for program, parts in LISTENERS.items():
        if program in missing:
            continue
        if program not in states or not states[program].running:
            for part in parts:
                require_free(part, stack.ports[part])
