"""Do the ledger's ranges tile each partition, and what do they say became of the messages?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, literal, select, union_all

from vigie.warehouse import core

COUNTS = ("messages_read", "stored", "copies", "conflicts", "quarantined", "control")


@dataclass(frozen=True)
class Partition:
    """What the ledger says of one partition of one topic; numbers of messages or offsets.

    `gaps` are offsets below `end` in no range, those accepted in `ops.gap` apart (`accepted`);
    `overlaps` are offsets in two.
    """

    topic_id: str
    partition: int
    read: int
    stored: int
    copies: int
    conflicts: int
    quarantined: int
    control: int
    gaps: int
    overlaps: int
    accepted: int
    end: int


def read_tiles(connection: Connection, feed: str) -> list[Partition]:
    """Add up the ledger of a feed per topic id and partition."""
    t, g = core.ledger.c, core.gap.c
    zero = literal(0)
    ranges = union_all(
        select(
            *(t.topic_id, t.kafka_partition, t.begin_offset, t.end_offset),
            *(t[name] for name in COUNTS),
            zero.label("accepted"),
        ).where(t.feed == feed),
        select(
            *(g.topic_id, g.kafka_partition, g.begin_offset, g.end_offset),
            *(zero for _ in COUNTS),
            (g.end_offset - g.begin_offset).label("accepted"),
        ).where(g.feed == feed, g.accepted_at.is_not(None), g.end_offset > g.begin_offset),
    ).subquery()
    r = ranges.c
    before = func.max(r.end_offset).over(
        partition_by=(r.topic_id, r.kafka_partition), order_by=r.begin_offset, rows=(None, -1)
    )
    steps = select(ranges, (r.begin_offset - func.coalesce(before, 0)).label("step")).subquery()
    s = steps.c
    query = (
        select(
            *(s.topic_id, s.kafka_partition.label("partition")),
            *(func.sum(s[name]).label(name) for name in COUNTS),
            func.sum(case((s.step > 0, s.step), else_=0)).label("gaps"),
            func.sum(case((s.step < 0, -s.step), else_=0)).label("overlaps"),
            func.sum(s.accepted).label("accepted"),
            func.max(s.end_offset).label("end"),
        )
        .group_by(s.topic_id, s.kafka_partition)
        .order_by(s.topic_id, s.kafka_partition)
    )
    return [
        Partition(topic_id, partition, *(int(number) for number in numbers))
        for topic_id, partition, *numbers in connection.execute(query)
    ]
