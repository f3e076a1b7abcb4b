"""A driver's side of its launch: claim the row once, raise the fence, report how it ended."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from secrets import token_hex

from sqlalchemy import Engine, insert, select, update

from vigie.errors import Superseded
from vigie.streaming.commit import Fence
from vigie.streaming.offsets import Gap
from vigie.warehouse import core
from vigie.warehouse.session import SessionId
from vigie.warehouse.types import UtcNow

_TAIL_LINES = 30
_AWAY = ("BrokerAway", "DocumentsAway", "TransientError")
"""Ends that say nothing of the batch's size."""
_HARMLESS = ("stopped", "superseded", "blocked")


def claim(engine: Engine, feed: str, launch: int) -> Fence | None:
    """Claim a launch with a fresh token; None if another driver did already."""
    token = token_hex(16)
    t = core.launch.c
    statement = (
        update(core.launch)
        .where(t.feed == feed, t.launch == launch, t.token.is_(None), t.ended_at.is_(None))
        .values(token=token, claimed_at=UtcNow())
    )
    with engine.begin() as connection:
        return Fence(launch, token) if connection.execute(statement).rowcount == 1 else None


def raise_fence(engine: Engine, feed: str, fence: Fence) -> None:
    """Take the right to write, upwards only.

    Waits for the transaction of the driver before, which holds the row until it ends.

    Raises:
        Superseded: The fence stands at this launch or a newer one.
    """
    t = core.fence.c
    with engine.begin() as connection:
        exists = connection.execute(select(t.launch).where(t.feed == feed)).first()
        if exists is None:
            row = {"feed": feed, "launch": fence.launch, "token": fence.token, "batch_no": 0}
            connection.execute(insert(core.fence).values(row))
            return
        statement = update(core.fence).where(t.feed == feed, t.launch < fence.launch)
        if connection.execute(statement.values(launch=fence.launch, token=fence.token)).rowcount:
            return
    message = f"{feed}: launch {fence.launch} found the fence at launch {exists.launch} or newer"
    raise Superseded(message)


def record_session(engine: Engine, feed: str, launch: int, session: SessionId) -> None:
    """Note a database session, so that a successor can end it."""
    row = {
        "feed": feed,
        "launch": launch,
        "session_id": session.session_id,
        "started_at": session.started_at,
    }
    with engine.begin() as connection:
        connection.execute(insert(core.launch_session).values(row))


def record_first_commit(engine: Engine, feed: str, launch: int) -> None:
    """Note the time of the launch's first committed batch."""
    t = core.launch.c
    statement = update(core.launch).where(t.feed == feed, t.launch == launch)
    with engine.begin() as connection:
        connection.execute(statement.values(first_commit_at=UtcNow()))


def record_end(engine: Engine, feed: str, launch: int, outcome: str) -> None:
    """Note that the driver ended on purpose."""
    _end(engine, feed, launch, outcome=outcome)


def record_failure(
    engine: Engine, feed: str, launch: int, error: BaseException, *, outcome: str = "failed"
) -> None:
    """Note the error that ended the driver: class, message, last lines."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    _end(
        engine,
        feed,
        launch,
        outcome=outcome,
        error_class=type(error).__name__,
        error_message=_storable(str(error))[:2000],
        error_tail=_storable("\n".join(lines[-_TAIL_LINES:])),
    )


def record_gaps(engine: Engine, feed: str, gaps: Sequence[Gap]) -> None:
    """Write the gaps that block the stream; one found again is open again."""
    t = core.gap.c
    with engine.begin() as connection:
        for gap in gaps:
            key = {
                "feed": feed,
                "topic_id": gap.topic_id,
                "kafka_partition": gap.partition,
                "begin_offset": gap.begin,
            }
            where = [t[name] == value for name, value in key.items()]
            found = {"end_offset": gap.end, "reason": gap.reason}
            found |= dict.fromkeys(("accepted_by", "accepted_at"))
            if not connection.execute(update(core.gap).where(*where).values(found)).rowcount:
                connection.execute(insert(core.gap).values(key | found))


def launches_without_commit(engine: Engine, feed: str, launch: int) -> int:
    """How many launches in a row before this one ended by a fault before their first commit."""
    t = core.launch.c
    query = (
        select(t.first_commit_at, t.outcome, t.error_class)
        .where(t.feed == feed, t.launch < launch, t.claimed_at.is_not(None))
        .order_by(t.launch.desc())
        .limit(10)
    )
    count = 0
    with engine.connect() as connection:
        for row in connection.execute(query):
            if row.first_commit_at is not None or row.outcome in _HARMLESS:
                break
            count += row.error_class not in _AWAY
    return count


def _end(engine: Engine, feed: str, launch: int, **values: object) -> None:
    # A driver that was frozen and thaws must not overwrite how its launch was closed meanwhile.
    t = core.launch.c
    mine = (t.feed == feed, t.launch == launch, t.ended_at.is_(None))
    with engine.begin() as connection:
        connection.execute(update(core.launch).where(*mine).values(ended_at=UtcNow(), **values))


def _storable(text: str) -> str:
    return text.replace("\0", "\\0")
