"""Streams in every state, as rows of a warehouse in which nothing runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from tests.warehouse.streams import heartbeat, insert_gap
from vigie.contract.loader import load_feeds
from vigie.supervision.desire import set_desired
from vigie.supervision.events import record_event
from vigie.warehouse import core
from vigie.warehouse.types import UtcNow

_TABLES = (
    *(core.stream, core.watch, core.launch, core.heartbeat, core.ledger, core.gap),
    *(core.launch_request, core.stream_event, core.compaction, core.reconciliation),
)
_MOST = 40


def empty(engine: Engine) -> None:
    """Remove all that was seeded, and what was done since."""
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(delete(table))


def launched(engine: Engine, feed: str, number: int = 1, **values: Any) -> None:
    """A stream set to running by somebody, watched, with a launch that committed."""
    set_desired(engine, feed, "running", person="somebody")
    with engine.begin() as connection:
        now = _now(connection)
        row = {
            "feed": feed,
            "launch": number,
            "created_at": now - timedelta(hours=2),
            "contract_hash": load_feeds()[feed].hash,
            "code_version": "seeded",
            "token": "seeded",
            "claimed_at": now - timedelta(hours=2),
            "first_commit_at": now - timedelta(hours=2),
        }
        connection.execute(insert(core.launch).values(row | values))
        record_event(connection, feed=feed, kind="launch", detail=f"launch {number}")
    watched(engine, feed)


def watched(engine: Engine, feed: str) -> None:
    """Somebody looks after the stream, and will for as long as a test takes."""
    with engine.begin() as connection:
        connection.execute(delete(core.watch).where(core.watch.c.feed == feed))
        ahead = _now(connection) + timedelta(hours=1)
        connection.execute(insert(core.watch).values(feed=feed, watched_at=ahead))


def alive(engine: Engine, feed: str, **values: Any) -> None:
    """Its driver beats, and will for as long as a test takes."""
    heartbeat(engine, feed, values.pop("launch", 1), age=-3600, **values)


def committed(engine: Engine, feed: str, *, seconds: int, after: int = 0) -> None:
    """A batch a second of 20 to 40 messages for the last `seconds`, `after` so many batches."""
    draw = Random(feed)
    rows, offset = [], after * _MOST
    with engine.begin() as connection:
        now = _now(connection)
        for second in range(seconds, 0, -1):
            read = draw.randrange(_MOST // 2, _MOST + 1)
            bad = 1 if draw.random() < 0.05 else 0
            rows.append(
                {
                    "feed": feed,
                    "topic_id": "topic",
                    "kafka_partition": 0,
                    "begin_offset": offset,
                    "end_offset": offset + read,
                    "batch_no": after + seconds - second + 1,
                    "launch": 1,
                    "messages_read": read,
                    "stored": read - bad,
                    "copies": 0,
                    "conflicts": 0,
                    "quarantined": bad,
                    "control": 0,
                    "committed_at": now - timedelta(seconds=second),
                }
            )
            offset += read
        connection.execute(insert(core.ledger), rows)


def every_state(engine: Engine) -> dict[str, str]:
    """Each feed in another state; returns feed and state."""
    names = list(load_feeds())
    died = {
        "ended_at": UtcNow(),
        "outcome": "died",
        "error_class": "OutOfMemoryError",
        "error_message": "Java heap space",
        "error_tail": "java.lang.OutOfMemoryError: Java heap space\n\tat org.apache.spark.Task.run",
    }
    launched(engine, names[0])
    alive(engine, names[0])
    committed(engine, names[0], seconds=840)
    launched(engine, names[1], 4, first_commit_at=None, **died)
    launched(engine, names[2], outcome="blocked", ended_at=UtcNow())
    insert_gap(engine, names[2])
    launched(engine, names[3], 2)
    alive(engine, names[3], launch=2, phase="waiting for documents", lag_messages=1200)
    set_desired(engine, names[4], "stopped", person="somebody")
    return dict(zip(names, ("running", "dead", "blocked", "waiting", "stopped"), strict=True))


def _now(connection: Any) -> datetime:
    moment: datetime = connection.scalar(select(UtcNow()))
    return moment
