"""The emulator of Power BI's REST interface: a refresh from end to end without a tenant."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.powerbi_emulator.kept import keep_service
from vigie.powerbi_emulator.server import connection

PROGRAM = "powerbi-emulator"
CONNECTION = "powerbi"


def program(stack: Stack) -> Program:
    """The emulator; nothing waits for it, so it starts at low priority on what others leave."""
    where = (str(stack.ports["powerbi"]), str(_folder(stack)))
    command = ("nice", "-n", "5", sys.executable, "-m", "vigie.powerbi_emulator", *where)
    return Program(PROGRAM, command)


def airflow_connection(stack: Stack) -> Mapping[str, Any]:
    """What Airflow's connection `powerbi` says until an operator points it at a tenant."""
    folder = _folder(stack)
    return connection(keep_service(folder), stack.address("powerbi"), folder / "certificate.pem")


def _folder(stack: Stack) -> Path:
    return stack.state / "powerbi_emulator"


def is_up(stack: Stack) -> bool:
    """Whether it listens: to whoever is not logged in it says nothing."""
    try:
        socket.create_connection((LOOPBACK, stack.ports["powerbi"]), timeout=2).close()
    except OSError:
        return False
    return True
