"""The rows of `ops.launch`. Every change is a compare-and-swap: two watchers may act at once."""

from __future__ import annotations

from sqlalchemy import Engine, Update, func, select, update
from sqlalchemy.exc import IntegrityError

from vigie.contract.feed import Feed
from vigie.supervision.events import record_event
from vigie.supervision.failure import Failure
from vigie.supervision.rows import insert_unless
from vigie.supervision.turn import has_turn, hold_turns
from vigie.supervision.version import code_version
from vigie.warehouse.core import launch, launch_session
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.session import SessionId, session_name
from vigie.warehouse.types import UtcNow

_CLOSED = "closed"
# Of older launches no driver lives: each relaunch ended what was left of those before it.
_ENDED = 5


def relaunch(engine: Engine, feed: Feed, *, after: int) -> int | None:
    """Insert the launch that follows `after` if `after` is still the newest; 0 before the first.

    Returns:
        The new launch number, or None if somebody else was first (adopt theirs), or if enough
        other streams were started at the same moment.
    """
    number = after + 1
    row = {"feed": feed.name, "launch": number}
    row |= {"contract_hash": feed.hash, "code_version": code_version()}
    newer = (launch.c.feed == feed.name) & (launch.c.launch > after)
    try:
        with engine.begin() as connection:
            hold_turns(connection)
            if not has_turn(connection, feed.name):
                return None
            if not insert_unless(connection, launch, row, found=newer):
                return None
            record_event(connection, feed=feed.name, kind="launch", detail=f"launch {number}")
    except IntegrityError:
        return None
    return number


def record_submission(engine: Engine, feed: str, number: int, *, submission: str) -> None:
    """Keep the submission id that the master gave for a launch."""
    values = {"submission_id": submission, "submitted_at": UtcNow()}
    with engine.begin() as connection:
        connection.execute(_of(feed, number).values(values))


def close(engine: Engine, feed: str, *, outcome: str, failure: Failure) -> bool:
    """Write the end of a launch that did not write it itself; false if it has an end already.

    A launch closed before its driver claimed it can no longer be claimed: a driver that starts
    late finds a token in the row.
    """
    values = {
        "ended_at": UtcNow(),
        "outcome": outcome,
        "token": func.coalesce(launch.c.token, _CLOSED),
        "error_class": func.coalesce(launch.c.error_class, failure.error_class),
        "error_message": func.coalesce(launch.c.error_message, failure.message),
        "error_tail": func.coalesce(launch.c.error_tail, failure.tail),
    }
    statement = _of(feed, failure.launch).where(launch.c.ended_at.is_(None)).values(values)
    with engine.begin() as connection:
        closed = connection.execute(statement).rowcount == 1
        if closed:
            detail = f"launch {failure.launch}: {failure.message}"
            record_event(connection, feed=feed, kind=outcome, detail=detail)
    return closed


def end_launch_sessions(engine: Engine, feed: str, *, up_to: int) -> int:
    """End the database sessions of launches up to `up_to`: those recorded, and those so named.

    No timeout fires on a client frozen inside COPY, so its session is ended from here.
    """
    recorded = select(launch_session.c.session_id, launch_session.c.started_at).where(
        launch_session.c.feed == feed, launch_session.c.launch <= up_to
    )
    with engine.connect() as connection:
        sessions = [SessionId(*row) for row in connection.execute(recorded)]
    names = [session_name(feed, number) for number in range(max(up_to - _ENDED, 0), up_to + 1)]
    return open_warehouse(engine).end_sessions(sessions, names)


def submission_of(engine: Engine, feed: str, number: int) -> str | None:
    """The submission id of a launch, if it has one."""
    statement = select(launch.c.submission_id).where(
        launch.c.feed == feed, launch.c.launch == number
    )
    with engine.connect() as connection:
        submission: str | None = connection.scalar(statement)
    return submission


def _of(feed: str, number: int) -> Update:
    return update(launch).where(launch.c.feed == feed, launch.c.launch == number)
