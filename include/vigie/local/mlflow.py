"""The MLflow server of the local stack: the models' runs and registry."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from vigie.local.answering import answers
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack

PROGRAM = "mlflow"


def program(stack: Stack) -> Program:
    """The server; nothing waits for it, so it starts at low priority on what the others leave."""
    where = ("--host", LOOPBACK, "--port", str(stack.ports["mlflow"]), "--workers", "1")
    server = (sys.executable, "-m", "mlflow", "server", *where)
    # What serves is a child, which outlives a parent that was killed.
    alone = (sys.executable, "-m", "vigie.local.alone")
    return Program(PROGRAM, ("nice", "-n", "5", *alone, *server))


def environment(stack: Stack) -> Mapping[str, str]:
    """What the server reads; its database's password is not for a command line."""
    return {
        "MLFLOW_BACKEND_STORE_URI": stack.database("mlflow", driver="psycopg2"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(artefacts(stack)),
        # Eight more processes for jobs that no model of ours has.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def artefacts(stack: Stack) -> Path:
    """The folder with the files of runs and models; there once the first was logged."""
    return stack.state / "mlflow"


def is_up(stack: Stack) -> bool:
    """Whether the server answers."""
    return answers(f"http://{stack.address('mlflow')}/health")
