"""Connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from vigie.warehouse.connecting import Connecting

# A process that froze inside a transaction must not keep its rows locked for ever.
_IDLE = "-c idle_in_transaction_session_timeout=30s"


def _arguments(*, session: str, seconds: int | None = None) -> dict[str, Any]:
    limit = "" if seconds is None else f"-c statement_timeout={seconds}s "
    name = {"application_name": session} if session else {}
    return {"connect_timeout": seconds or 5, "options": f"{limit}{_IDLE}", **name}


def _be_patient(connection: Connection) -> None:
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


CONNECTING = Connecting(_arguments, "REPEATABLE READ", _be_patient)
