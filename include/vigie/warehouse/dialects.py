"""Chooses the warehouse's implementation by the dialect of its URL."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from vigie.errors import SettingsError
from vigie.warehouse.engines import get_engine
from vigie.warehouse.fact_months import FactMonths
from vigie.warehouse.postgres.fact_months import PostgresMonths
from vigie.warehouse.postgres.warehouse import PostgresWarehouse
from vigie.warehouse.session import Warehouse
from vigie.warehouse.sqlserver.fact_months import SqlServerMonths
from vigie.warehouse.sqlserver.warehouse import SqlServerWarehouse

_WAREHOUSES: dict[str, Callable[[Engine], Warehouse]] = {
    "postgresql": PostgresWarehouse,
    "mssql": SqlServerWarehouse,
}
_FACT_MONTHS: dict[str, Callable[[], FactMonths]] = {
    "postgresql": PostgresMonths,
    "mssql": SqlServerMonths,
}


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


def open_fact_months(engine: Engine) -> FactMonths:
    """What the database behind an engine offers for the months of its fact tables.

    Raises:
        SettingsError: No implementation for the URL's dialect.
    """
    kind = _FACT_MONTHS.get(engine.dialect.name)
    if kind is None:
        message = f"{engine.dialect.name}: expected one of {', '.join(_FACT_MONTHS)}"
        raise SettingsError(message)
    return kind()
