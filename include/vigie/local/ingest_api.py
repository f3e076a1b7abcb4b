"""The HTTP entrance of the local stack, and the key that its simulators have."""

from __future__ import annotations

import sys

from vigie.ingest.keys import list_keys, store_key
from vigie.local.answering import answers
from vigie.local.feeds import contracts
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.warehouse.engines import get_engine

PROGRAM = "ingest-api"
_LOCAL = "local"


def program(stack: Stack) -> Program:
    """The API; told to end, it waits for what Kafka has still to acknowledge."""
    application = ("vigie.ingest.app:create_app", "--factory")
    where = ("--host", LOOPBACK, "--port", str(stack.ports["ingest"]), "--no-server-header")
    options = ("--no-access-log", "--timeout-graceful-shutdown", "15")
    command = (sys.executable, "-m", "uvicorn", *application, *where, *options)
    return Program(PROGRAM, command, stop_seconds=30, reads=contracts())


def ensure_key(stack: Stack) -> None:
    """Let in whoever has the stack's own key; an operator may revoke it like any other."""
    engine = get_engine("owner")
    if all(key.name != _LOCAL for key in list_keys(engine)):
        store_key(engine, _LOCAL, stack.secrets["ingest_key"], (), person="vigie up")


def is_up(stack: Stack) -> bool:
    """Whether it can take readings."""
    return answers(f"http://{stack.address('ingest')}/health")
