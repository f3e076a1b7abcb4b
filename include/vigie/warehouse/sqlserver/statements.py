"""The statements that move rows between a fact table and what is loaded beside it.

`source` is a stage or a derived table, named `s`; the table itself is `t`. No MERGE: it takes no
lock that keeps two of its kind apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Table

from vigie.warehouse.session import Merge

_MERGE: dict[Merge, str] = {
    "sum": "t.{c} + s.{c}",
    "min": "CASE WHEN s.{c} < t.{c} OR t.{c} IS NULL THEN s.{c} ELSE t.{c} END",
    "max": "CASE WHEN s.{c} > t.{c} OR t.{c} IS NULL THEN s.{c} ELSE t.{c} END",
    "replace": "s.{c}",
}


def insert_all(table: Table, columns: Sequence[str], source: str) -> str:
    """Insert every row of the source."""
    names = ", ".join(columns)
    chosen = ", ".join(f"s.{name}" for name in columns)
    return f"INSERT INTO {table.fullname} ({names}) SELECT {chosen} FROM {source}"


def update_known(table: Table, merge: Mapping[str, Merge], source: str, within: str = "") -> str:
    """Merge the rows of the source whose key is stored."""
    sets = ", ".join(f"{name} = {_MERGE[how].format(c=name)}" for name, how in merge.items())
    same = matching(column.name for column in table.primary_key)
    return f"UPDATE t SET {sets} FROM {table.fullname} AS t JOIN {source} ON {same}{within}"


def insert_unknown(table: Table, columns: Sequence[str], source: str, within: str = "") -> str:
    """Insert the rows of the source whose key is not stored."""
    same = matching(column.name for column in table.primary_key)
    absent = f"NOT EXISTS (SELECT 1 FROM {table.fullname} AS t WHERE {same}{within})"
    return f"{insert_all(table, columns, source)} WHERE {absent}"


def delete_equal(table: Table, columns: Iterable[str], source: str, within: str = "") -> str:
    """Delete the rows that equal a row of the source in these columns."""
    return f"DELETE t FROM {table.fullname} AS t JOIN {source} ON {matching(columns)}{within}"


def compare_stored(table: Table, values: Sequence[str], source: str, within: str = "") -> str:
    """Which rows of the source are stored, and whether these values are equal; null equals null."""
    same = matching(column.name for column in table.primary_key)
    mine, theirs = (", ".join(f"{side}.{v}" for v in values) for side in "ts")
    equal = f"CASE WHEN EXISTS (SELECT {mine} INTERSECT SELECT {theirs}) THEN 1 ELSE 0 END"
    return (
        f"SELECT s.row_number, {equal} AS same FROM {source} "
        f"JOIN {table.fullname} AS t ON {same}{within}"
    )


def matching(columns: Iterable[str]) -> str:
    """The condition that rows of both are equal in these columns."""
    return " AND ".join(f"t.{name} = s.{name}" for name in columns)
