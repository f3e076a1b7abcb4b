"""Proves for a feed that every offset is accounted for: topic, ledger, rows, documents, lake."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select

from vigie.broker.offsets import TopicState, read_topic
from vigie.contract.feed import Feed
from vigie.errors import BrokerError
from vigie.reconciliation.account import LakeAccount, Reconciliation
from vigie.reconciliation.days import Days, all_days, changed_days, counted_in_all
from vigie.reconciliation.documents import DocumentAccount, compare_documents
from vigie.reconciliation.record import record
from vigie.reconciliation.restated import Restated, read_restated
from vigie.reconciliation.tiles import Partition, read_tiles
from vigie.warehouse import core
from vigie.warehouse.engines import patient_snapshot


def reconcile(
    feed: Feed, engine: Engine, *, full: bool = True, patience: float = 10.0
) -> Reconciliation:
    """Account for every offset of a feed, in one snapshot of the warehouse, and keep the result.

    Not `full`, it counts only the readings of those days whose counter moved since they were last
    found right: rows changed behind the commits' back on other days go unseen. Messages the
    stream has not reached yet are its lag, not a fault; the lag is None while the broker does not
    answer within `patience` seconds. Documents and lake are compared in full runs.
    """
    began = time.monotonic()
    with patient_snapshot(engine) as connection:
        tiles = read_tiles(connection, feed.name)
        days = (all_days if full else changed_days)(connection, feed)
        restated = read_restated(connection, feed.name)
        counted = counted_in_all(connection, feed)
        faults = [
            *_tiling(tiles),
            *(_rows(days, tiles, restated, counted) if full else ()),
            *_counters(counted, tiles, restated),
            *_quarantine(connection, feed, tiles, restated),
            *days.faults(),
        ]
        documents = compare_documents(connection, feed, tiles) if full else DocumentAccount()
    # Outside the snapshot, which nothing should hold open for longer than it is looked at.
    lake = _lake(feed) if full else LakeAccount()
    faults += [*documents.faults, *lake.faults]
    # Read after the ledger: a message stored meanwhile must not seem to be ahead of the topic.
    try:
        topic = read_topic(feed.topic, timeout=patience)
    except BrokerError:
        topic = None
    if topic is not None:
        faults += _beyond(tiles, topic)
    lag = None if topic is None else _lag(tiles, topic)
    seconds = time.monotonic() - began
    _, changed, expired = counted
    account = Reconciliation(
        *(feed.name, full, seconds, tuple(tiles), lag, tuple(faults)),
        "; ".join(filter(None, (documents.skipped, lake.skipped))) or None,
        *(changed, expired, restated.released, lake.expired),
    )
    record(engine, account, right=days.right())
    return account


def _lake(feed: Feed) -> LakeAccount:
    # Delta takes a moment to load, which only a full run should wait for.
    from vigie.reconciliation.lake import compare_lake

    return compare_lake(feed)


def _tiling(tiles: list[Partition]) -> Iterator[str]:
    for p in tiles:
        if p.gaps:
            yield f"partition {p.partition} of topic {p.topic_id}: {p.gaps} offsets in no range"
        if p.overlaps:
            yield f"partition {p.partition} of topic {p.topic_id}: {p.overlaps} offsets in two"
        sorted_out = p.stored + p.copies + p.conflicts + p.quarantined
        if p.read != sorted_out:
            yield f"partition {p.partition}: {p.read} messages read, {sorted_out} accounted for"


def _rows(
    days: Days, tiles: list[Partition], restated: Restated, counted: tuple[int, int, int]
) -> Iterator[str]:
    rows, expired = days.per_partition(), counted[2]
    if expired:
        # Of which partitions the expired readings were nobody knows.
        stored, change = sum(p.stored for p in tiles), sum(restated.readings.values())
        found = sum(rows.values())
        if found != stored + change - expired:
            told = f"{stored} stored{_told(change)} and {expired} expired"
            yield f"the ledger says {told}, found {found}"
        return
    for part in sorted({p.partition for p in tiles} | rows.keys()):
        stored = sum(p.stored for p in tiles if p.partition == part)
        change = restated.readings.get(part, 0)
        if rows.get(part, 0) != stored + change:
            yield (
                f"partition {part}: the ledger says {stored} stored{_told(change)}, found "
                f"{rows.get(part, 0)}"
            )


def _counters(
    sums: tuple[int, int, int], tiles: list[Partition], restated: Restated
) -> Iterator[str]:
    stored, (counted, changed, _) = sum(p.stored for p in tiles), sums
    if stored != counted:
        yield f"the ledger says {stored} stored, the counters of the days {counted}"
    change = sum(restated.readings.values())
    if change != changed:
        yield f"restatements changed {change:+d} readings, the counters of the days {changed:+d}"


def _quarantine(
    connection: Connection, feed: Feed, tiles: list[Partition], restated: Restated
) -> Iterator[str]:
    part = core.quarantine.c.kafka_partition
    query = select(part, func.count()).where(core.quarantine.c.feed == feed.name).group_by(part)
    rows = {row[0]: row[1] for row in connection.execute(query)}
    for number in sorted({p.partition for p in tiles} | rows.keys()):
        said = sum(p.quarantined + p.conflicts for p in tiles if p.partition == number)
        change = restated.quarantined.get(number, 0)
        if rows.get(number, 0) != said + change:
            yield (
                f"partition {number}: ledger says {said} quarantined{_told(change)}, found "
                f"{rows.get(number, 0)}"
            )


def _told(change: int) -> str:
    return f" and {change:+d} restated" if change else ""


def _beyond(tiles: list[Partition], topic: TopicState) -> Iterator[str]:
    for p in tiles:
        end = topic.partitions.get(p.partition, (0, 0))[1]
        if p.topic_id == topic.topic_id and p.end > end:
            yield f"partition {p.partition}: the ledger ends at {p.end}, the topic already at {end}"


def _lag(tiles: list[Partition], topic: TopicState) -> int:
    ends = {p.partition: p.end for p in tiles if p.topic_id == topic.topic_id}
    return sum(end - max(ends.get(p, 0), first) for p, (first, end) in topic.partitions.items())
