"""Inserting a row only while a condition holds: the compare-and-swap of launches and switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, exists, insert, literal, select


def insert_unless(
    connection: Connection, table: Table, row: Mapping[str, Any], *, found: ColumnElement[bool]
) -> bool:
    """Insert `row` unless the table has a row for which `found` holds; true if it was inserted.

    Raises:
        IntegrityError: Another transaction inserted the same key at the same moment.
    """
    values = [literal(value, table.c[name].type) for name, value in row.items()]
    absent = select(*values).where(~exists().where(found))
    statement = insert(table).from_select(list(row), absent)
    # Without the option SQLAlchemy forgets the row count of an insert.
    result = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return result.rowcount == 1
