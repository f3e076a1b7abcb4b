"""Ending other sessions of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, text

_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_start = :started"
)
_END_NAMED = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = ANY(:names)"
)


def session_name(feed: str, launch: int) -> dict[str, str]:
    """The environment in which every session of a launch's driver carries its name."""
    return {"PGAPPNAME": _name(feed, launch)}


def end_sessions(connection: Connection, sessions: Iterable[tuple[int, datetime]]) -> int:
    """End each session (process id, start time) that still exists; returns how many did.

    Both must match: a process id is used again. Needs the role of the session, or
    `pg_signal_backend`.
    """
    ended = 0
    for pid, started in sessions:
        ended += len(connection.execute(_END, {"pid": pid, "started": started}).all())
    return ended


def end_named_sessions(connection: Connection, feed: str, launches: Iterable[int]) -> int:
    """End the sessions that carry the name of one of these launches; returns how many did.

    A driver's small statements run in pooled connections, which no launch records: one that
    froze between statement and commit would keep its row from everybody.
    """
    names = {"names": [_name(feed, launch) for launch in launches]}
    return len(connection.execute(_END_NAMED, names).all())


def _name(feed: str, launch: int) -> str:
    return f"vigie {feed} {launch}"
