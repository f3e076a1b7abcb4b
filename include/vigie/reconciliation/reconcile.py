"""Proves for a feed that every offset is accounted for: topic ↔ ledger ↔ rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, select

from vigie.broker.offsets import TopicState, read_topic
from vigie.contract.feed import Feed
from vigie.errors import BrokerError
from vigie.reconciliation.tiles import Partition, read_tiles
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables


@dataclass(frozen=True)
class Reconciliation:
    """The account of one feed; `unaccounted` has a sentence per fault, none if it is clean."""

    feed: str
    partitions: tuple[Partition, ...]
    lag_messages: int | None
    unaccounted: tuple[str, ...]


def reconcile(feed: Feed, engine: Engine, *, patience: float = 10.0) -> Reconciliation:
    """Account for every offset of a feed, in one snapshot of the warehouse.

    Messages the stream has not reached yet are its lag, not a fault; the lag is None while the
    broker does not answer within `patience` seconds.
    """
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with snapshot.connect() as connection:
        tiles = read_tiles(connection, feed.name)
        faults = [
            *_tiling(tiles),
            *_rows(connection, feed, tiles),
            *_quarantine(connection, feed, tiles),
            *_days(connection, feed),
            *_panes(connection, feed),
        ]
    # Read after the ledger: a message stored meanwhile must not seem to be ahead of the topic.
    try:
        topic = read_topic(feed.topic, timeout=patience)
    except BrokerError:
        topic = None
    if topic is not None:
        faults += _beyond(tiles, topic)
    lag = None if topic is None else _lag(tiles, topic)
    return Reconciliation(feed.name, tuple(tiles), lag, tuple(faults))


def _tiling(tiles: list[Partition]) -> Iterator[str]:
    for p in tiles:
        if p.gaps:
            yield f"partition {p.partition} of topic {p.topic_id}: {p.gaps} offsets in no range"
        if p.overlaps:
            yield f"partition {p.partition} of topic {p.topic_id}: {p.overlaps} offsets in two"
        sorted_out = p.stored + p.copies + p.conflicts + p.quarantined
        if p.read != sorted_out:
            yield f"partition {p.partition}: {p.read} messages read, {sorted_out} accounted for"


def _per_partition(
    connection: Connection, table: Table, *where: ColumnElement[bool]
) -> dict[int, int]:
    part = table.c.kafka_partition
    query = select(part, func.count()).where(*where).group_by(part)
    return {row[0]: row[1] for row in connection.execute(query)}


def _rows(connection: Connection, feed: Feed, tiles: list[Partition]) -> Iterator[str]:
    rows = _per_partition(connection, feed_tables(feed).reading)
    for part in sorted({p.partition for p in tiles} | rows.keys()):
        stored = sum(p.stored for p in tiles if p.partition == part)
        if rows.get(part, 0) != stored:
            yield f"partition {part}: the ledger says {stored} stored, found {rows.get(part, 0)}"


def _quarantine(connection: Connection, feed: Feed, tiles: list[Partition]) -> Iterator[str]:
    rows = _per_partition(connection, core.quarantine, core.quarantine.c.feed == feed.name)
    for part in sorted({p.partition for p in tiles} | rows.keys()):
        said = sum(p.quarantined + p.conflicts for p in tiles if p.partition == part)
        if rows.get(part, 0) != said:
            yield f"partition {part}: ledger says {said} quarantined, found {rows.get(part, 0)}"


def _days(connection: Connection, feed: Feed) -> Iterator[str]:
    t, table = core.day_count.c, feed_tables(feed).reading
    day = func.date(func.timezone("UTC", table.c.event_time))
    found = {r[0]: r[1] for r in connection.execute(select(day, func.count()).group_by(day))}
    expected = t.stored + t.restated - t.expired
    query = select(t.event_date, expected).where(t.feed == feed.name)
    said = {row[0]: row[1] for row in connection.execute(query)}
    for date in sorted(said.keys() | found.keys()):
        if said.get(date, 0) != found.get(date, 0):
            yield f"{date}: {said.get(date, 0)} readings counted, found {found.get(date, 0)}"


def _panes(connection: Connection, feed: Feed) -> Iterator[str]:
    tables = feed_tables(feed)
    rows = connection.execute(select(func.count()).select_from(tables.reading)).scalar_one()
    total = select(func.coalesce(func.sum(tables.pane.c.readings), 0))
    panes = int(connection.execute(total).scalar_one())
    # Panes outlive expired readings, so only a pane too few is a fault.
    if panes < rows:
        yield f"panes hold {panes} readings, the facts {rows}"


def _beyond(tiles: list[Partition], topic: TopicState) -> Iterator[str]:
    for p in tiles:
        end = topic.partitions.get(p.partition, (0, 0))[1]
        if p.topic_id == topic.topic_id and p.end > end:
            yield f"partition {p.partition}: the ledger ends at {p.end}, the topic already at {end}"


def _lag(tiles: list[Partition], topic: TopicState) -> int:
    ends = {p.partition: p.end for p in tiles if p.topic_id == topic.topic_id}
    return sum(end - max(ends.get(p, 0), first) for p, (first, end) in topic.partitions.items())
