"""The face that a database's DDL shows: what `plan`, `migrate` and `verify` need of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Column, Connection, Dialect, Table

from vigie.contract.feed import Feed


@dataclass(frozen=True)
class ReportObject:
    """A view or a table function of schema `report`.

    Attributes:
        kind: Views hold a SELECT, functions take bounds.
        name: Without its schema.
        sql: A view's SELECT, a function's body.
        create: The statement that makes it.
        signature: A function's parameters and what it returns.
    """

    kind: Literal["view", "function"]
    name: str
    sql: str
    create: str
    signature: str = ""


@dataclass(frozen=True)
class LiveColumn:
    """A column as a database has it; `kind` is its type as the dialect writes it."""

    kind: str
    nullable: bool
    key: bool
    has_default: bool


class Ddl(Protocol):
    """One database's DDL; `name` is SQLAlchemy's name of it and that of its folder of files."""

    name: str
    dialect: Dialect

    def tables(self, feed: Feed) -> Sequence[Table]:
        """The tables a feed has: its facts, and what loading them needs."""

    def create_table(self, table: Table) -> Iterator[str]:
        """The statements that make a table with its indexes and partitions."""

    def add_column(self, table: Table, column: Column[Any]) -> str:
        """The statement that adds a column; rows that are there get null or 0."""

    def fill_column(self, table: Table, name: str) -> str:
        """The statement by which new rows get 0 in a column that no contract fills any more."""

    def report_objects(self, feed: Feed) -> Sequence[ReportObject]:
        """The feed's views and functions; each reads only those before it."""

    def drop_statements(self, views: Sequence[str], functions: Sequence[str]) -> Iterator[str]:
        """Drop objects of `report`, whatever the order they depend on each other in."""

    def script(self, statements: Iterable[str]) -> str:
        """A file's text: the statements, parted as the database's tools want it."""

    def batches(self, script: str) -> list[str]:
        """A file's text as what is sent to the database at once."""

    def lock(self, connection: Connection) -> AbstractContextManager[None]:
        """Wait until nobody else migrates; the connection is in autocommit."""

    def has_journal(self, connection: Connection) -> bool:
        """Whether `ops.migration` is there."""

    def create_ops(self, connection: Connection) -> None:
        """Make schema `ops` if it is not there."""

    def live_columns(self, connection: Connection, table: Table) -> dict[str, LiveColumn] | None:
        """The columns a table has in the database; None if there is no such table."""

    def report_drift(
        self, connection: Connection, objects: Iterable[ReportObject]
    ) -> Iterator[str]:
        """One line for each object that is missing, or is not what the contract says."""
