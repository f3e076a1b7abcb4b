"""Whose turn it is to start: a few streams at a time, so that none is taken for lost meanwhile.

A start costs more CPU than anything later. On a small machine five at once would each outlast the
time after which a silent start counts as failed, and be killed and started again, over and over.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, and_, select

from vigie.warehouse.core import heartbeat, launch, stream
from vigie.warehouse.types import UtcNow

AT_ONCE = 2
_LONGEST = timedelta(minutes=3)
"""A start that takes longer holds up no other."""


def hold_turns(connection: Connection) -> None:
    """Let nobody else launch a stream before this transaction ends."""
    rows = select(stream.c.feed).order_by(stream.c.feed).with_for_update()
    rows = rows.with_hint(stream, "WITH (UPDLOCK, ROWLOCK)", "mssql")
    connection.execute(rows).all()


def has_turn(connection: Connection, feed: str) -> bool:
    """Whether fewer than `AT_ONCE` other streams are on their way up.

    One is until its launch has committed or its driver found nothing to read.
    """
    beat = and_(heartbeat.c.feed == launch.c.feed, heartbeat.c.launch == launch.c.launch)
    others = (
        select(launch.c.created_at, heartbeat.c.lag_messages, UtcNow().label("now"))
        .select_from(launch.outerjoin(heartbeat, beat))
        .where(
            launch.c.feed != feed,
            launch.c.ended_at.is_(None),
            launch.c.first_commit_at.is_(None),
        )
    )
    rows = connection.execute(others).all()
    starting = [r for r in rows if r.now - r.created_at < _LONGEST and r.lag_messages != 0]
    return len(starting) < AT_ONCE
