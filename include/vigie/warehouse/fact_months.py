"""One month of one fact table, as compaction sees it, and what each database does with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine, Select, Table


@dataclass(frozen=True)
class Density:
    """How densely a month's rows are stored.

    A *group* is a page in PostgreSQL and a compressed row group in SQL Server; `dead` is in rows:
    deleted ones, or those that the empty space would hold. Of them only a rewrite removes the
    `stubborn` ones. `loose` rows have not got their final form yet: they changed since they were
    last frozen, or wait in a delta store. `mergeable` says that fewer groups would do. `archived`
    says whether the month is stored for the least space, None where there is no such form.
    """

    rows: int
    groups: int
    dead: int
    stubborn: int
    loose: int
    bytes: int
    mergeable: bool = False
    archived: bool | None = None


class FactMonths(Protocol):
    """What a database offers for the months of its fact tables. Months are their first days.

    Every change of a month leaves it as before or as after, whoever is killed meanwhile.
    """

    def months(self, connection: Connection, table: Table) -> Sequence[date]:
        """The months that hold rows, or have a place of their own, oldest first."""

    def marker(self, connection: Connection, table: Table, month: date) -> str:
        """How the month looks to the database: it changes when rows do, and costs no look at them.

        What the connection itself wrote before is counted.
        """

    def measure(
        self, connection: Connection, table: Table, month: date, since: str | None
    ) -> Density:
        """Measure the month; `since` is the marker of its last compaction, if there was one."""

    def look_at_rows(self, connection: Connection, query: Select[Any], table: Table) -> Select[Any]:
        """The query so that it reads the table's rows themselves, not their key's index.

        It is run in the connection's transaction.
        """

    def tidy(self, engine: Engine, table: Table, month: date) -> None:
        """Give loose rows their final form and merge groups, beside readers and writers."""

    def rewrite(self, engine: Engine, table: Table, month: date) -> None:
        """Store the month's rows anew, in order of time, tidy; readers and writers of it wait.

        Raises:
            CompactionBusy: Others did not let go of the month.
        """

    def archive(self, engine: Engine, table: Table, month: date) -> None:
        """Store the month for the least space."""

    def remove(self, connection: Connection, table: Table, month: date) -> None:
        """Remove the month with all its rows, in the connection's transaction.

        Raises:
            CompactionBusy: Others did not let go of the month.
        """

    def prepare(self, engine: Engine, table: Table, this: date) -> None:
        """Make the places of this month and of months to come, as many as the database wants."""


def later_month(month: date, count: int) -> date:
    """The month `count` months after another."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


def time_column(table: Table) -> Column[Any]:
    """The column a fact table is partitioned by: the last of its key."""
    return list(table.primary_key.columns)[-1]
