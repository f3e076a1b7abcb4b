"""Writes into `ops` what a driver would write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from vigie.supervision.view import View, read_view
from vigie.warehouse import core
from vigie.warehouse.types import UtcNow


def look(engine: Engine, feed: str) -> View:
    with engine.connect() as connection:
        return read_view(connection, feed)


def change_launch(engine: Engine, feed: str, number: int, **values: Any) -> int:
    mine = (core.launch.c.feed == feed) & (core.launch.c.launch == number)
    with engine.begin() as connection:
        return connection.execute(update(core.launch).where(mine).values(values)).rowcount


def end(engine: Engine, feed: str, number: int, outcome: str) -> None:
    change_launch(engine, feed, number, ended_at=UtcNow(), outcome=outcome)


def claim(engine: Engine, feed: str, number: int) -> bool:
    mine = (core.launch.c.feed == feed) & (core.launch.c.launch == number)
    claimed = update(core.launch).where(mine, core.launch.c.token.is_(None))
    with engine.begin() as connection:
        return connection.execute(claimed.values(token="mine", claimed_at=UtcNow())).rowcount == 1


def heartbeat(engine: Engine, feed: str, number: int, *, age: float = 0, **values: Any) -> None:
    with engine.begin() as connection:
        now = connection.scalar(select(UtcNow()))
        moment = now - timedelta(seconds=age)
        row = {
            "feed": feed,
            "launch": number,
            "beat_at": moment,
            "phase": "running",
            "progress": 1,
            "progress_at": moment,
            "lag_messages": 0,
            "lag_seconds": 0.0,
        }
        connection.execute(delete(core.heartbeat).where(core.heartbeat.c.feed == feed))
        connection.execute(insert(core.heartbeat).values(row | values))


def insert_gap(engine: Engine, feed: str, *, begin: int = 0) -> None:
    row = {"feed": feed, "topic_id": "topic", "kafka_partition": 0, "reason": "expired"}
    with engine.begin() as connection:
        connection.execute(
            insert(core.gap).values(row | {"begin_offset": begin, "end_offset": begin + 10})
        )


def events(engine: Engine, feed: str) -> list[tuple[str, str]]:
    found = core.stream_event
    statement = select(found.c.kind, found.c.person).where(found.c.feed == feed)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement.order_by(found.c.event_id))]
