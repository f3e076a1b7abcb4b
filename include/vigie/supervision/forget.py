"""Removes what nobody looks at any more: old launches, events, reconciliations."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, func, select

from vigie.supervision.events import SUPERVISOR
from vigie.warehouse import core
from vigie.warehouse.moments import Ago

KEPT = timedelta(days=90)
# What backoff, the size of a first batch and the shown error look back on, and more.
_LAUNCHES = 20
# Of older launches no driver lives: each relaunch ends what is left of those before it.
_SESSIONS = 5


def forget_old(engine: Engine, feed: str) -> int:
    """Remove a feed's old rows and return how many.

    Launches with their requests after `KEPT`, but never the newest twenty; their database
    sessions sooner; what the supervisor did, and reconciliations, after `KEPT`. What a person did
    stays.
    """
    old = Ago(KEPT)
    launch, request = core.launch.c, core.launch_request.c
    session, event, run = core.launch_session.c, core.stream_event.c, core.reconciliation.c
    with engine.begin() as connection:
        newest, gone = _launches(connection, feed)
        statements = (
            delete(core.launch_session)
            .where(session.feed == feed)
            .where(session.launch <= newest - _SESSIONS),
            delete(core.launch_request).where(request.feed == feed, request.launch <= gone),
            delete(core.launch).where(launch.feed == feed, launch.launch <= gone),
            delete(core.stream_event)
            .where(event.feed == feed, event.at < old)
            .where(event.person == SUPERVISOR),
            delete(core.reconciliation).where(run.feed == feed, run.at < old),
        )
        return sum(connection.execute(statement).rowcount for statement in statements)


def _launches(connection: Connection, feed: str) -> tuple[int, int]:
    """The newest launch, and the newest that may go; 0 where there is none."""
    t = core.launch.c
    newest = connection.scalar(select(func.max(t.launch)).where(t.feed == feed)) or 0
    old = select(func.max(t.launch)).where(t.feed == feed, t.created_at < Ago(KEPT))
    return newest, connection.scalar(old.where(t.launch <= newest - _LAUNCHES)) or 0
