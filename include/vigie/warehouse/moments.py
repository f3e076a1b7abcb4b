"""Time in the statements that all databases share; each says it in its own words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, FunctionElement
from sqlalchemy.ext.compiler import compiles

from vigie.warehouse.types import TIME


class Ago(FunctionElement[datetime]):
    """The moment that lies `length` (whole seconds) before the database's clock."""

    type = TIME
    inherit_cache = False

    def __init__(self, length: timedelta) -> None:
        self.seconds = int(length.total_seconds())
        super().__init__()


@compiles(Ago)
def _ago(element: Ago, compiler: Any, **_: Any) -> str:
    return f"(now() - interval '{element.seconds} seconds')"


@compiles(Ago, "mssql")
def _ago_tsql(element: Ago, compiler: Any, **_: Any) -> str:
    return f"DATEADD(second, -{element.seconds}, SYSUTCDATETIME())"


class UtcDate(FunctionElement[date]):
    """The day in UTC that a moment lies in."""

    type = Date()
    inherit_cache = True

    def __init__(self, moment: ColumnElement[Any]) -> None:
        super().__init__(moment)


@compiles(UtcDate)
def _utc_date(element: UtcDate, compiler: Any, **options: Any) -> str:
    return f"date(timezone('UTC', {compiler.process(element.clauses, **options)}))"


@compiles(UtcDate, "mssql")
def _utc_date_tsql(element: UtcDate, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS date)"
