"""Rows of streams: inserting one only while a condition holds, finding the newest of many feeds.

The first is the compare-and-swap of launches and switches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Subquery,
    Table,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
)


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


def newest_of(
    feeds: Iterable[str], number: Column[Any], *conditions: ColumnElement[bool]
) -> Subquery:
    """One row per feed: `feed`, and as `newest` the greatest `number` of its rows, or null.

    A subquery each is one step down an index; a GROUP BY would read every row.
    """
    parts = []
    for feed in feeds:
        greatest = select(func.max(number)).where(number.table.c.feed == feed, *conditions)
        parts.append(
            select(literal(feed).label("feed"), greatest.scalar_subquery().label("newest"))
        )
    return union_all(*parts).subquery()
