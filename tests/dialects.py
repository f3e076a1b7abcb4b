"""The databases that the warehouse's tests run with: marks for modules and single tests."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

both_dialects = pytest.mark.dialects("postgresql", "mssql")
"""Tests whose `warehouse` is PostgreSQL once, and once is spoken to as SQL Server."""

mssql_in_campaign = pytest.mark.dialects(
    "postgresql", pytest.param("mssql", marks=pytest.mark.campaign)
)
"""The same, where the second run is left to `make test-all` and `make test-mssql`."""

mssql_by_itself = pytest.mark.dialects(
    "postgresql", pytest.param("mssql", marks=(pytest.mark.campaign, pytest.mark.engine))
)
"""The same, where the second run asks for what only SQL Server itself understands."""

only_postgres = pytest.mark.dialects("postgresql")
"""A test of what PostgreSQL alone has, in a module that runs with both."""


def end_session(engine: Engine, number: int) -> None:
    """End a session of somebody else by its number."""
    autocommit = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with autocommit as connection:
        if engine.dialect.name == "mssql":
            connection.exec_driver_sql(f"KILL {number}")
        else:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({number})")
