"""Ending other sessions of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, text

_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_start = :started"
)


def end_sessions(connection: Connection, sessions: Iterable[tuple[int, datetime]]) -> int:
    """End each session (process id, start time) that still exists; returns how many did.

    Both must match: a process id is used again. Needs the role of the session, or
    `pg_signal_backend`.
    """
    ended = 0
    for pid, started in sessions:
        ended += len(connection.execute(_END, {"pid": pid, "started": started}).all())
    return ended
