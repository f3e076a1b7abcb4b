"""`ops.refresh`: what was asked for, so that a run goes on with its own after a worker's death."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Engine, desc, exists, func, insert, select, update

from vigie.refresh.answers import State
from vigie.refresh.plan import Due
from vigie.warehouse import core

_T = core.refresh.c


@dataclass(frozen=True)
class Asked:
    """A refresh that a task asked for; `request_id` is known once the service took it."""

    refresh_id: str
    asked_at: datetime
    request_id: str | None


@dataclass(frozen=True)
class Reach:
    """What a refresh reads again, and up to when restatements are in it."""

    first_day: date
    last_day: date
    covers_until: datetime
    partitions: bool


def ask(engine: Engine, asked_for: str, reach: Reach) -> Asked:
    """Begin a record, or go on with the one of the same task that has not ended.

    Args:
        engine: The warehouse.
        asked_for: The task that asks: DAG, run, task and index.
        reach: What it asks for.
    """
    with engine.begin() as connection:
        open_one = select(_T.refresh_id, _T.asked_at, _T.request_id).where(
            _T.asked_for == asked_for, _T.ended_at.is_(None)
        )
        found = connection.execute(open_one).first()
        if found is not None:
            return Asked(found.refresh_id, found.asked_at, found.request_id)
        new = Asked(uuid4().hex, datetime.now(UTC), None)
        connection.execute(
            insert(core.refresh).values(
                refresh_id=new.refresh_id,
                asked_for=asked_for,
                asked_at=new.asked_at,
                first_day=reach.first_day,
                last_day=reach.last_day,
                covers_until=reach.covers_until,
                partitions=reach.partitions,
            )
        )
        return new


def begun(engine: Engine, refresh_id: str, request_id: str) -> None:
    """Keep the id that the service gave."""
    _set(engine, refresh_id, request_id=request_id)


def ended(engine: Engine, refresh_id: str, state: str, why: str) -> None:
    """Keep how it ended."""
    _set(engine, refresh_id, state=state, why=why, ended_at=datetime.now(UTC))


def known_requests(engine: Engine) -> list[str]:
    """The ids of the refreshes asked for in the last day: none of them is a new one."""
    recent = _T.asked_at > datetime.now(UTC) - timedelta(days=1)
    query = select(_T.request_id).where(recent, _T.request_id.is_not(None))
    with engine.connect() as connection:
        return [str(found) for found in connection.scalars(query)]


def due_days(connection: Connection) -> list[Due]:
    """The days that were restated since a refresh that completed read them."""
    r = core.restatement.c
    covered = exists().where(
        _T.state == State.COMPLETED,
        _T.covers_until >= r.restated_at,
        _T.first_day <= r.event_date,
        _T.last_day >= r.event_date,
    )
    query = select(r.feed, r.event_date).where(r.batch_no.is_not(None), ~covered).distinct()
    return [Due(*row) for row in connection.execute(query)]


def last_by_policy(connection: Connection) -> datetime | None:
    """When a refresh by the policy that completed, or goes on, was last asked for."""
    going_on_or_done = _T.state.is_(None) | (_T.state == State.COMPLETED)
    query = select(func.max(_T.asked_at)).where(~_T.partitions, going_on_or_done)
    found: datetime | None = connection.scalar(query)
    return found


def partitions_failed(connection: Connection) -> bool:
    """Whether the last refresh of partitions that ended has failed."""
    query = (
        select(_T.state)
        .where(_T.partitions, _T.ended_at.is_not(None))
        .order_by(desc(_T.asked_at))
        .limit(1)
    )
    return connection.scalar(query) == State.FAILED


def _set(engine: Engine, refresh_id: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(core.refresh).where(_T.refresh_id == refresh_id).values(**values))
