"""The databases that migration files are written for."""

from __future__ import annotations

from sqlalchemy import Engine

from vigie.errors import MigrationError
from vigie.warehouse.ddl import Ddl
from vigie.warehouse.postgres.ddl import PostgresDdl
from vigie.warehouse.sqlserver.ddl import SqlServerDdl

ALL_DDL: tuple[Ddl, ...] = (PostgresDdl(), SqlServerDdl())


def ddl_of(engine: Engine) -> Ddl:
    """The DDL of an engine's database.

    Raises:
        MigrationError: No files are written for such a database.
    """
    for ddl in ALL_DDL:
        if ddl.name == engine.dialect.name:
            return ddl
    known = ", ".join(ddl.name for ddl in ALL_DDL)
    message = f"no migration files for {engine.dialect.name!r}, expected one of {known}"
    raise MigrationError(message)
