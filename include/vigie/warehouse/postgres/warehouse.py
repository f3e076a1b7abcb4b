"""`Warehouse` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from vigie.contract.feed import Feed
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine, warehouse_url
from vigie.warehouse.postgres import roll_ups
from vigie.warehouse.postgres.session import PostgresSession
from vigie.warehouse.postgres.sessions import end_named_sessions, end_sessions
from vigie.warehouse.session import SessionId

_OPTIONS = (
    "-c idle_in_transaction_session_timeout=30s -c client_min_messages=warning "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_KEEPALIVE = {"keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "5"}


class PostgresWarehouse:
    """The embedded default, and any PostgreSQL from version 15 on."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or get_engine()
        self._months: set[tuple[str, date]] = set()

    def open_session(self) -> PostgresSession:
        """Open a connection of its own; a client that vanishes loses it after 30 s."""
        url = make_url(warehouse_url()).set(drivername="postgresql")
        url = url.update_query_dict({"options": _OPTIONS, "connect_timeout": "5", **_KEEPALIVE})
        if get_settings().session:
            url = url.update_query_dict({"application_name": get_settings().session})
        return PostgresSession(url.render_as_string(hide_password=False).replace("+", "%20"))

    @contextmanager
    def hold(self, *names: str) -> Iterator[bool]:
        """Advisory locks of one session: PostgreSQL gives them back when the connection ends."""
        keys = [func.hashtextextended(f"vigie {name}", 0) for name in names]
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            held = all(connection.scalar(select(func.pg_try_advisory_lock(key))) for key in keys)
            if not held:
                connection.execute(select(func.pg_advisory_unlock_all()))
            yield held
        finally:
            # Closing alone would give it back a moment later than the caller believes.
            with suppress(DBAPIError):
                connection.execute(select(func.pg_advisory_unlock_all()))
            connection.invalidate()
            connection.close()

    def end_sessions(self, sessions: Iterable[SessionId], names: Iterable[str]) -> int:
        """Terminate their backends."""
        with self._engine.begin() as connection:
            named = end_named_sessions(connection, names)
            return named + end_sessions(connection, sessions)

    def ensure_months(self, table: Table, days: Iterable[date]) -> None:
        """Make missing months, each in a transaction of its own."""
        for month in sorted({day.replace(day=1) for day in days}):
            if (table.name, month) not in self._months:
                with self._engine.begin() as connection:
                    connection.execute(select(func.ops.ensure_month(table.name, month)))
                self._months.add((table.name, month))

    def changed_hours(self, connection: Connection, feed: Feed, day: datetime) -> list[datetime]:
        """Hours whose panes and roll-ups count differently."""
        return roll_ups.changed_hours(connection, feed, day)

    def roll_up(
        self, connection: Connection, feed: Feed, table: Table, begin: datetime, end: datetime
    ) -> None:
        """Replace the periods' rows, with percentile_cont over the readings."""
        roll_ups.roll_up(connection, feed, table, begin, end)
