"""Arrow's rows as T-SQL writes them, and a driver's rows as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from vigie.errors import WarehouseError
from vigie.warehouse.sqlserver.literals import literal

_ROWS, _CHARACTERS = 500, 2_000_000
"""Of one statement, at most."""
_KINDS = {
    pa.bool_(): "bit",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "float(53)",
    pa.date32(): "date",
    pa.string(): "nvarchar(max)",
    pa.large_string(): "nvarchar(max)",
    pa.binary(): "varbinary(max)",
    pa.large_binary(): "varbinary(max)",
}


def kind(of: pa.DataType) -> str:
    """The T-SQL type of an Arrow type.

    Raises:
        WarehouseError: There is none.
    """
    if pa.types.is_timestamp(of):
        return "datetime2(3)"
    if of not in _KINDS:
        message = f"SQL Server: no type for Arrow's {of}"
        raise WarehouseError(message)
    return _KINDS[of]


def derived_tables(rows: pa.Table) -> Iterator[str]:
    """The rows as `(VALUES …) AS s (columns)`, in parts that a statement may hold."""
    kinds = [kind(field.type) for field in rows.schema]
    names = ", ".join(rows.column_names)
    columns = [column.to_pylist() for column in rows.columns]
    said: list[str] = []
    size = 0
    for values in zip(*columns, strict=True):
        # The first row says what type each column has; a bit would be a number otherwise.
        typed = [not said or one == "bit" for one in kinds]
        row = ", ".join(_cell(*cell) for cell in zip(values, kinds, typed, strict=True))
        if said and (len(said) == _ROWS or size + len(row) > _CHARACTERS):
            yield f"(VALUES {', '.join(said)}) AS s ({names})"
            cells = zip(values, kinds, [True] * len(kinds), strict=True)
            row, said, size = ", ".join(_cell(*cell) for cell in cells), [], 0
        said.append(f"({row})")
        size += len(row)
    if said:
        yield f"(VALUES {', '.join(said)}) AS s ({names})"


def _cell(value: Any, kind: str, typed: bool) -> str:
    said = literal(value)
    return f"CAST({said} AS {kind})" if typed else said


def loadable(rows: pa.Table) -> list[tuple[Any, ...]]:
    """The rows for a bulk load: numbers, and times in UTC without a zone."""
    columns = [
        (column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column)
        for column in rows.columns
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def as_arrow(found: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """A driver's rows, whose columns are those of `schema`; times are in UTC."""
    columns = list(zip(*found, strict=True)) if found else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def with_zone(value: Any) -> Any:
    """A value of a row; a time is in UTC and says so."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
