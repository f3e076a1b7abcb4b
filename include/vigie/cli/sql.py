"""`vigie sql`: one query with the role that may only read."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy.exc import DBAPIError

from vigie.cli.output import JsonFlag, clear_errors, print_json, print_table
from vigie.errors import WarehouseError
from vigie.warehouse.engines import get_engine


@clear_errors
def sql(
    query: Annotated[str, typer.Argument(help='Such as "select * from report.fleet_latest".')],
    json: JsonFlag = False,
) -> None:
    """Run a query on the warehouse as its read-only role."""
    columns, rows = _run(query)
    if json:
        print_json({"columns": columns, "rows": rows})
    else:
        print_table(columns, rows)


def _run(query: str) -> tuple[list[str], list[list[Any]]]:
    engine = get_engine("reader").execution_options(postgresql_readonly=True)
    try:
        with engine.connect() as connection:
            # Without parameters a colon or a percent sign is just that.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            if not result.returns_rows:
                message = "the statement returns no rows; only queries are run"
                raise WarehouseError(message)
            return list(result.keys()), [list(row) for row in result]
    except DBAPIError as error:
        message = f"the warehouse refused the query: {str(error.orig).strip()}"
        raise WarehouseError(message) from error
