"""The database behind the endpoint: the migrated warehouse, and what SQL Server has beside it."""

from __future__ import annotations

from pathlib import Path

from vigie.local.postgres import connect
from vigie.local.stack import Stack

TEMPLATE = "vigie_tds"
_SYSTEM = Path(__file__).with_name("system.sql")


def make_template(stack: Stack) -> None:
    """Make the database that each test gets a copy of."""
    with connect(stack) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE vigie OWNER vigie_owner")
    with connect(stack, TEMPLATE) as connection:
        connection.execute(_SYSTEM.read_text("utf-8"))
