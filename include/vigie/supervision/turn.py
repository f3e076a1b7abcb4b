"""Whose turn it is to start: a few streams at a time, so that none is taken for lost meanwhile.

A start costs more CPU than anything later. On a small machine five at once would each outlast the
time after which a silent start counts as failed, and be killed and started again, over and over.
Who has waited longest goes first: else of several that die again and again one may wait for ever.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from vigie.contract.loader import contract_fault
from vigie.supervision.backoff import waits_since
from vigie.supervision.decide import is_due
from vigie.supervision.view import View, read_views
from vigie.supervision.watched import FRESH, watched_at
from vigie.warehouse.core import stream

AT_ONCE = 2
_LONGEST = timedelta(minutes=3)
"""A start that takes longer holds up no other."""


def hold_turns(connection: Connection) -> None:
    """Let nobody else launch a stream before this transaction ends."""
    rows = select(stream.c.feed).order_by(stream.c.feed).with_for_update()
    rows = rows.with_hint(stream, "WITH (UPDLOCK, ROWLOCK)", "mssql")
    connection.execute(rows).all()


def has_turn(connection: Connection, feed: str) -> bool:
    """Whether fewer than `AT_ONCE` other streams are on their way up or have waited longer.

    One is on its way up until its launch has committed or its driver found nothing to read. One
    that waits counts as long as somebody watches it, who would start it, and its contract is right.
    """
    others = list(connection.scalars(select(stream.c.feed).where(stream.c.feed != feed)))
    views = read_views(connection, [feed, *others])
    mine = views.pop(feed)
    watched = watched_at(connection, others)
    ahead = [
        other
        for other, view in views.items()
        if _starts(view)
        or (
            is_due(view)
            and waits_since(view) < waits_since(mine)
            and other in watched
            and view.now - watched[other] < FRESH
            and contract_fault(other) is None
        )
    ]
    return len(ahead) < AT_ONCE


def _starts(view: View) -> bool:
    launch = view.launch
    if launch is None or launch.ended_at is not None or launch.first_commit_at is not None:
        return False
    level = view.beat is not None and view.beat.lag_messages == 0
    return view.now - launch.created_at < _LONGEST and not level
