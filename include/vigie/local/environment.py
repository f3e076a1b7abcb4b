"""The environment in which all of a stack's processes run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from vigie.local import airflow, mlflow, spark
from vigie.local.stack import Stack
from vigie.settings import get_settings

MARK = "VIGIE_STACK"
"""Set in every process the stack started, and only there, to the stack's state folder."""


def stack_environment(stack: Stack) -> dict[str, str]:
    """What a command needs in its environment to work on this stack."""
    settings = get_settings()
    programs = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {
        "PATH": os.pathsep.join([programs, *(p for p in path if p != programs)]),
        "VIGIE_STATE": str(stack.state),
        "VIGIE_FEEDS": str(settings.feeds.absolute()),
        "VIGIE_JARS": str(settings.jars.absolute()),
        # Spark's Python workers would otherwise be whatever python3 the PATH has.
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **spark.environment(stack),
        **airflow.environment(stack),
    }


def daemon_environment(stack: Stack) -> Mapping[str, str]:
    """The whole environment of the process manager, which everything it starts inherits."""
    return {
        **os.environ,
        **stack_environment(stack),
        **mlflow.environment(stack),
        MARK: str(stack.state),
        # Else setproctitle overwrites the memory in which others read the mark.
        "SPT_NOENV": "1",
    }
