"""What the next append reads, what the topic no longer has, and what forbids to go on."""

from __future__ import annotations

from dataclasses import dataclass

from vigie.broker.offsets import TopicState
from vigie.lake.ledger import LakeLedger, LostRange
from vigie.warehouse.ledger import OffsetRange

MOST = 5_000_000
"""Messages in one commit at most, shared among the partitions: a kill costs no more."""


@dataclass(frozen=True)
class Plan:
    """One append. `faults` name partitions that cannot be archived until somebody acts."""

    ranges: tuple[OffsetRange, ...]
    lost: tuple[LostRange, ...]
    faults: tuple[str, ...]


def plan(ledger: LakeLedger, topic: TopicState, *, most: int = MOST) -> Plan:
    """Plan from where the lake ends to where the topic ends now."""
    ends = ledger.ends(topic.topic_id)
    ranges: list[OffsetRange] = []
    lost = _remade(ledger, topic)
    faults: list[str] = []
    share = max(most // max(len(topic.partitions), 1), 1)
    for part, (first, last) in sorted(topic.partitions.items()):
        begin = ends.get(part, 0)
        if begin > last:
            faults.append(
                f"partition {part}: the broker lost data, its log ends at {last}, the lake at "
                f"{begin}. Make the topic anew"
            )
            continue
        if begin < first:
            reason = f"offsets {begin} to {first - 1} expired before they were archived"
            lost.append(LostRange(topic.topic_id, part, begin, first, reason))
            begin = first
        if begin < last:
            ranges.append(OffsetRange(topic.topic_id, part, begin, min(last, begin + share)))
    return Plan(tuple(ranges), tuple(lost), tuple(faults))


def _remade(ledger: LakeLedger, topic: TopicState) -> list[LostRange]:
    """Earlier topics of the name: what followed the lake's end is unknown; told once."""
    told = {(part.topic_id, part.partition) for part in ledger.lost if part.begin == part.end}
    ends = {
        (part.topic_id, part.partition): part.end
        for part in ledger.held
        if part.topic_id != topic.topic_id
    }
    reason = "the topic was made anew; what followed offset {} in the old one is unknown"
    return [
        LostRange(old, part, end, end, reason.format(end - 1))
        for (old, part), end in sorted(ends.items())
        if (old, part) not in told
    ]
