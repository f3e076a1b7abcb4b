"""Chooses the warehouse's implementation by the dialect of its URL."""

from __future__ import annotations

from sqlalchemy import Engine

from vigie.errors import SettingsError
from vigie.warehouse.engines import get_engine
from vigie.warehouse.postgres.warehouse import PostgresWarehouse
from vigie.warehouse.session import Warehouse

_WAREHOUSES = {"postgresql": PostgresWarehouse}


def open_warehouse(engine: Engine | None = None) -> Warehouse:
    """The warehouse behind an engine, by default that of the settings.

    Raises:
        SettingsError: No implementation for the URL's dialect.
    """
    engine = engine or get_engine()
    kind = _WAREHOUSES.get(engine.dialect.name)
    if kind is None:
        known = ", ".join(_WAREHOUSES)
        message = f"VIGIE_WAREHOUSE names dialect {engine.dialect.name!r}, expected one of {known}"
        raise SettingsError(message)
    return kind(engine)
