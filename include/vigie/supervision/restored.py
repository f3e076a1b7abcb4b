"""What a warehouse that came back from a backup must know of the launches it never saw."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, func, insert, select, update

from vigie.supervision.events import record_event
from vigie.supervision.version import code_version
from vigie.warehouse import core
from vigie.warehouse.types import UtcNow

_SECONDS_PER_LAUNCH = 5
"""Less than a driver takes to start: no more numbers than these can have been given."""
_CLOSED = "closed"


def leave_out_launches(engine: Engine, made_at: datetime) -> dict[str, int]:
    """Never give a launch number again that was given after the backup was made.

    Documents keep the launch that wrote them and let no older one replace them, and a driver
    of those days may still run. Whatever ran as the backup was made has ended.

    Returns:
        The last number that is left out, by feed.
    """
    now = datetime.now(UTC)
    skipped = int((now - made_at).total_seconds() / _SECONDS_PER_LAUNCH) + 1
    t = core.launch.c
    left_out: dict[str, int] = {}
    with engine.begin() as connection:
        connection.execute(
            update(core.launch)
            .where(t.ended_at.is_(None))
            .values(ended_at=UtcNow(), outcome="stopped", token=func.coalesce(t.token, _CLOSED))
        )
        newest = select(t.feed, func.max(t.launch)).group_by(t.feed).order_by(t.feed)
        for feed, launch in connection.execute(newest).all():
            left_out[feed] = launch + skipped
            _leave_out(connection, feed, launch + skipped, made_at)
    return left_out


def _leave_out(connection: Connection, feed: str, launch: int, made_at: datetime) -> None:
    row = {"feed": feed, "launch": launch, "contract_hash": "", "code_version": code_version()}
    row |= {"token": _CLOSED, "outcome": "stopped", "ended_at": UtcNow()}
    connection.execute(insert(core.launch).values(row))
    fence = core.fence.c
    connection.execute(
        update(core.fence).where(fence.feed == feed).values(launch=launch, token=_CLOSED)
    )
    detail = f"from the backup of {made_at:%Y-%m-%d %H:%M:%S} UTC; launches go on after {launch}"
    record_event(connection, feed=feed, kind="restored", detail=detail)
