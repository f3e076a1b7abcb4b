"""Connections to SQL Server, by pymssql."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from vigie.warehouse.connecting import Connecting

# What the driver sets by itself, which is lost as soon as anything is added.
_USUAL = (
    "SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET ANSI_NULLS ON; "
    "SET ANSI_NULL_DFLT_ON ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; "
    "SET CURSOR_CLOSE_ON_COMMIT ON; SET QUOTED_IDENTIFIER ON; SET TEXTSIZE 2147483647; "
)
# Without it a statement that fails leaves the transaction open, with what it did before.
_WHOLE = "SET XACT_ABORT ON; "


def arguments(*, session: str, seconds: int | None = None) -> dict[str, Any]:
    """What pymssql is given; the limit is one of waiting for locks.

    Its own limit of time holds for all connections of a process, and so would end a load.
    """
    limit = "" if seconds is None else f"SET LOCK_TIMEOUT {seconds * 1000}; "
    return {
        "login_timeout": seconds or 5,
        "appname": session or "vigie",
        "conn_properties": f"{_USUAL}{_WHOLE}{limit}",
    }


def _be_patient(connection: Connection) -> None:
    """A session that is silent inside a transaction is left alone anyway."""


CONNECTING = Connecting(arguments, "SNAPSHOT", _be_patient)
