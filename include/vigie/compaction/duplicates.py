"""Two rows of one key, which the key makes impossible unless its index is damaged or missing."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Table, func, select

from vigie.compaction.periods import begin_of, end_of
from vigie.errors import DuplicatesFound
from vigie.warehouse import core
from vigie.warehouse.fact_months import FactMonths, time_column

_NAMED = 3


def refuse_duplicates(
    connection: Connection, months: FactMonths, table: Table, month: date
) -> None:
    """Return if every key of the month has one row.

    Raises:
        DuplicatesFound: It names the first of them.
    """
    keys, at = list(table.primary_key.columns), time_column(table)
    query = (
        select(*keys, func.count().label("found"))
        .where(at >= begin_of(month), at < end_of(month))
        .group_by(*keys)
        .having(func.count() > 1)
        .order_by(*keys)
        .limit(_NAMED)
    )
    query = months.look_at_rows(connection, query, table)
    found = [row._asdict() for row in connection.execute(query)]
    if found:
        names = "; ".join(_name(connection, row) for row in found)
        message = (
            f"{table.fullname} {month:%Y-%m}: expected one row of a key, found {names}"
            f"{' and perhaps more' if len(found) == _NAMED else ''}. Nothing was compacted: repair "
            "the key's index, remove the rows that are too many, and run it again"
        )
        raise DuplicatesFound(message)


def _name(connection: Connection, row: dict[str, object]) -> str:
    found, sensor_id = row.pop("found"), row.pop("sensor_id")
    t = core.sensor.c
    sensor = connection.scalar(select(t.sensor).where(t.sensor_id == sensor_id))
    key = ", ".join(f"{name} {value}" for name, value in row.items())
    return f"{found} rows of sensor {sensor or sensor_id}, {key}"
