"""Ending other sessions of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from vigie.warehouse.session import SessionId

_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :session_id AND backend_start = :started_at"
)
_END_NAMED = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = ANY(:names)"
)


def end_sessions(connection: Connection, sessions: Iterable[SessionId]) -> int:
    """End each session that still exists; returns how many did.

    Number and start must match: a process id is used again. Needs the role of the session, or
    `pg_signal_backend`.
    """
    ended = 0
    for one in sessions:
        ended += len(connection.execute(_END, vars(one)).all())
    return ended


def end_named_sessions(connection: Connection, names: Iterable[str]) -> int:
    """End the sessions that carry one of these names; returns how many did."""
    return len(connection.execute(_END_NAMED, {"names": list(names)}).all())
