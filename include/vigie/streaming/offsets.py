"""Where a launch begins, what a batch plans to read, and what has gone missing in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from vigie.broker.offsets import TopicState
from vigie.contract.feed import Feed
from vigie.warehouse import core
from vigie.warehouse.ledger import OffsetRange, ledger_ends
from vigie.warehouse.session import Session


@dataclass(frozen=True)
class Gap:
    """Offsets the ledger needs and the topic no longer has; `end` equals `begin` if unknown."""

    topic_id: str
    partition: int
    begin: int
    end: int
    reason: str


@dataclass(frozen=True)
class Begins:
    """Where each partition of the topic is to be read from, and what prevents it."""

    topic_id: str
    offsets: dict[int, int]
    gaps: tuple[Gap, ...]


def has_read(session: Session, feed: Feed) -> bool:
    """Whether the ledger has anything of the feed; ends the transaction it read in."""
    t = core.ledger.c
    found = session.run(select(t.batch_no).where(t.feed == feed.name).limit(1))
    session.commit()
    return bool(found)


def find_begins(session: Session, feed: Feed, topic: TopicState) -> Begins:
    """Begin every partition where the ledger ends, 0 where it has nothing.

    A begin below the first kept offset or above the log's end, and a topic made anew since the
    last batch, are gaps; accepting them (`ops.gap.accepted_at`) moves the ledger's end past them.
    """
    recreated = _recreated(session, feed, topic)
    ends = ledger_ends(session, feed.name, topic.topic_id, topic.partitions)
    gaps = list(recreated)
    for part, (first, end) in topic.partitions.items():
        begin = ends[part]
        if begin < first:
            reason = f"offsets {begin} to {first - 1} expired before they were read"
            gaps.append(Gap(topic.topic_id, part, begin, first, reason))
        elif begin > end:
            reason = f"the broker lost data: the log ends at {end}, the ledger at {begin}; "
            reason += "make the topic anew, then accept"
            gaps.append(Gap(topic.topic_id, part, begin, begin, reason))
    session.commit()
    return Begins(topic.topic_id, ends, tuple(gaps))


def _recreated(session: Session, feed: Feed, topic: TopicState) -> list[Gap]:
    """Gaps of an earlier topic of the same name, unless they were accepted."""
    t, g = core.ledger.c, core.gap.c
    newest = session.run(
        select(t.topic_id).where(t.feed == feed.name).order_by(t.batch_no.desc()).limit(1)
    )
    if not newest or newest[0]["topic_id"] == topic.topic_id:
        return []
    old = newest[0]["topic_id"]
    parts = session.run(
        select(t.kafka_partition).distinct().where(t.feed == feed.name, t.topic_id == old)
    )
    ends = ledger_ends(session, feed.name, old, [row["kafka_partition"] for row in parts])
    accepted = session.run(
        select(g.kafka_partition, g.begin_offset).where(
            *(g.feed == feed.name, g.topic_id == old, g.accepted_at.is_not(None)),
            g.begin_offset == g.end_offset,
        )
    )
    done = {(row["kafka_partition"], row["begin_offset"]) for row in accepted}
    reason = f"the topic was deleted and made anew (id {old} is now {topic.topic_id})"
    return [
        Gap(old, part, end, end, reason)
        for part, end in sorted(ends.items())
        if (part, end) not in done
    ]


def starting_offsets(feed: Feed, begins: Mapping[int, int]) -> str:
    """Spark's `startingOffsets`: it must name every partition of the topic."""
    return json.dumps({feed.topic: {str(part): begin for part, begin in sorted(begins.items())}})


def planned_ranges(
    scratch: Path, batch_id: int, feed: Feed, topic_id: str, begins: Mapping[int, int]
) -> list[OffsetRange]:
    """The ranges of a batch as Spark planned them, before its function ran.

    The least and greatest offset of the rows would not do: transaction markers leave holes.
    """
    lines = (scratch / "offsets" / str(batch_id)).read_text("utf-8").splitlines()
    ends = json.loads(lines[-1])[feed.topic]
    ranges = (
        OffsetRange(topic_id, int(part), begins.get(int(part), 0), end)
        for part, end in ends.items()
    )
    return sorted((r for r in ranges if r.end > r.begin), key=lambda r: r.partition)
