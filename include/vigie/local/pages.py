"""The analysts' pages of the local stack."""

from __future__ import annotations

import sys

from vigie.local.answering import answers
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack

PROGRAM = "pages"


def program(stack: Stack) -> Program:
    """Streamlit; it serves people, who would rather wait than slow a stream down."""
    where = ("--host", LOOPBACK, "--port", str(stack.ports["pages"]))
    options = ("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "3")
    server = (sys.executable, "-m", "uvicorn", "vigie.dashboards.site:app", *where)
    command = ("nice", "-n", "5", *server, *options)
    return Program(PROGRAM, command, stop_seconds=10)


def is_up(stack: Stack) -> bool:
    """Whether it answers."""
    return answers(f"http://{stack.address('pages')}/_stcore/health")
