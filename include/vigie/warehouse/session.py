"""The bulk side of a warehouse: one connection, one transaction at a time, rows as Arrow.

`Warehouse` is what each database implements; one contract test suite runs against all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sqlalchemy import Connection, Delete, Executable, Table

from vigie.contract.feed import Feed
from vigie.errors import WarehouseError

if TYPE_CHECKING:
    # Only bulk loads need it, and every command imports this module.
    import pyarrow as pa

Merge = Literal["sum", "min", "max", "replace"]


class TransientError(WarehouseError):
    """Deadlock, serialization failure or lost connection: the whole transaction may be retried."""


class DuplicateKeyError(WarehouseError):
    """A row with this key is stored already; the transaction is void."""


@dataclass(frozen=True)
class SessionId:
    """What tells a database session from a later one with the same number."""

    session_id: int
    started_at: datetime


def session_name(feed: str, launch: int) -> str:
    """What every session of a launch's driver is called."""
    return f"vigie {feed} {launch}"


class Session(Protocol):
    """One connection. Statements run in a transaction that begins by itself.

    Every method may raise TransientError; after any error only `rollback` and `close` are allowed.
    """

    def identify(self) -> SessionId:
        """The session's number and start, as the database knows them."""

    def run(self, statement: Executable) -> list[dict[str, Any]]:
        """Run one statement and return its rows, if it has any."""

    def append(self, table: Table, rows: pa.Table) -> None:
        """Load rows in bulk; columns by name.

        Raises:
            DuplicateKeyError: A row's key is stored already.
        """

    def upsert(self, table: Table, rows: pa.Table, merge: Mapping[str, Merge]) -> None:
        """Insert rows whose key is new; merge the named columns of the others.

        Keys must be distinct within `rows`; a null loses against any value, unless it replaces one.
        """

    def find_stored(
        self, table: Table, rows: pa.Table, values: Sequence[str]
    ) -> tuple[pa.Array, pa.Array]:
        """Which of `rows` have their key in `table`.

        Returns:
            Row numbers (int64) within `rows`, and for each whether all `values` are equal.
        """

    def read(self, statement: Executable, schema: pa.Schema) -> pa.Table:
        """The rows of a query in bulk, its columns in the order and of the types of `schema`."""

    def remove(self, table: Table, keys: pa.Table) -> int:
        """Delete the rows that equal a row of `keys` in all its columns; one of them is a time.

        Returns:
            How many rows went.
        """

    def delete(self, statement: Delete) -> int:
        """Run a deletion; how many rows went."""

    def recompute_panes(self, feed: Feed, days: pa.Table) -> None:
        """Replace the panes of whole days by what the readings and alerts of the facts give now.

        So it is right whatever the panes' length was when they were written.

        Args:
            feed: The contract.
            days: Distinct sensor_id and pane_start, which is a midnight in UTC.
        """

    def commit(self) -> None:
        """Commit; on a TransientError the outcome is unknown and must be read from the ledger."""

    def rollback(self) -> None:
        """Undo the transaction; never raises for a connection that is gone."""

    def close(self) -> None:
        """End the session."""


class Warehouse(Protocol):
    """What a database offers beyond what SQLAlchemy says alike in all of them."""

    def open_session(self) -> Session:
        """Open a connection for bulk loads with the ingest role."""

    def hold(self, *names: str) -> AbstractContextManager[bool]:
        """Hold the locks of these names, in all programs, until the block ends or the client dies.

        Gives False at once, and holds nothing, where another session has one of them.
        """

    def end_sessions(self, sessions: Iterable[SessionId], names: Iterable[str]) -> int:
        """End these sessions, and those that carry one of these names; how many there were.

        A driver's small statements run in pooled connections, which no launch records: one that
        froze between statement and commit would keep its row from everybody.
        """

    def ensure_months(self, table: Table, days: Iterable[date]) -> None:
        """Make the monthly partitions that hold `days`, before the batch needs them."""

    def changed_hours(self, connection: Connection, feed: Feed, day: datetime) -> list[datetime]:
        """The hours of a day whose hourly roll-up counts other readings than the panes do.

        All hours where panes do not divide an hour. `day` is its midnight in UTC.
        """

    def roll_up(
        self, connection: Connection, feed: Feed, table: Table, begin: datetime, end: datetime
    ) -> None:
        """Compute the hours or days in [begin, end) of a roll-up table anew from the readings."""
