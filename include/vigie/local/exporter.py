"""The metrics exporter of the local stack."""

from __future__ import annotations

import sys

from vigie.local.answering import answers
from vigie.local.feeds import contracts
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack

PROGRAM = "exporter"


def program(stack: Stack) -> Program:
    """The exporter; it knows the contracts of its start."""
    application = ("vigie.metrics.app:create_app", "--factory")
    where = ("--host", LOOPBACK, "--port", str(stack.ports["exporter"]), "--no-server-header")
    command = (sys.executable, "-m", "uvicorn", *application, *where, "--no-access-log")
    return Program(PROGRAM, command, reads=contracts())


def is_up(stack: Stack) -> bool:
    """Whether it answers; what its sources say is in its metrics."""
    return answers(f"http://{stack.address('exporter')}/health")
