"""`ops.archive` and `ops.lake`: the warehouse's copy of what the lake says, for display."""

from __future__ import annotations

from datetime import timedelta

from deltalake import DeltaTable
from sqlalchemy import Engine, delete, insert, select, update

from vigie.contract.feed import Feed
from vigie.lake.ledger import LakeLedger
from vigie.lake.place import file_sizes
from vigie.warehouse import core
from vigie.warehouse.moments import Ago
from vigie.warehouse.types import UtcNow


def show(
    engine: Engine, feed: Feed, table: DeltaTable, ledger: LakeLedger, *, maintained: bool
) -> None:
    """Replace the feed's rows by what the lake says now."""
    sizes = file_sizes(table)
    held: dict[tuple[str, int], tuple[int, int]] = {}
    for part in ledger.held:
        _, messages = held.get((part.topic_id, part.partition), (0, 0))
        held[part.topic_id, part.partition] = (part.end, messages + part.end - part.begin)
    rows = [
        {
            **{"feed": feed.name, "topic_id": topic_id, "kafka_partition": partition},
            **{"end_offset": end, "messages": messages},
        }
        for (topic_id, partition), (end, messages) in held.items()
    ]
    t = core.lake
    moment = {"maintained_at" if maintained else "archived_at": UtcNow()}
    values = {"commit_no": table.version(), "files": len(sizes), "bytes": sum(sizes.values())}
    with engine.begin() as connection:
        connection.execute(delete(core.archive).where(core.archive.c.feed == feed.name))
        if rows:
            connection.execute(insert(core.archive), rows)
        change = update(t).where(t.c.feed == feed.name).values(**values, **moment)
        if connection.execute(change).rowcount == 0:
            connection.execute(insert(t).values(feed=feed.name, **values, **moment))


def maintained_within_a_day(engine: Engine, feed: str) -> bool:
    """Whether the lake was compacted and vacuumed in the last 23 hours."""
    t = core.lake.c
    recent = t.maintained_at > Ago(timedelta(hours=23))
    with engine.connect() as connection:
        return bool(connection.scalar(select(recent).where(t.feed == feed)))
