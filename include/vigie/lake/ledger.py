"""The lake is its own ledger: its newest commit says which offsets it holds.

Every commit, an archive's and a compaction's alike, carries the whole ledger in `userMetadata`, so
that the newest one is enough and none needs the warehouse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import orjson
from deltalake import DeltaTable

from vigie.contract.feed import Feed
from vigie.errors import LakeBusy, LakeError
from vigie.lake.place import lake_uri, open_table
from vigie.warehouse.ledger import OffsetRange

_TRIES = 5
APP = "vigie-archive"
"""The `txnAppId` of every append."""


@dataclass(frozen=True)
class LostRange:
    """Offsets the lake can never have; `end` equals `begin` where it is unknown."""

    topic_id: str
    partition: int
    begin: int
    end: int
    reason: str

    def __str__(self) -> str:
        return f"topic {self.topic_id}, partition {self.partition}: {self.reason}"


@dataclass(frozen=True)
class Expired:
    """How many records of a partition the lake's retention removed."""

    topic_id: str
    partition: int
    records: int


@dataclass(frozen=True)
class LakeLedger:
    """What the lake holds: ranges that meet are one of `held`; `number` is the last append's.

    Of the held ranges some records `expired`: all of days before `kept_from`, but those that came
    since, and those without a day that came before it.
    """

    number: int = 0
    held: tuple[OffsetRange, ...] = ()
    lost: tuple[LostRange, ...] = ()
    expired: tuple[Expired, ...] = ()
    kept_from: date | None = None

    @property
    def expired_records(self) -> int:
        """Over all partitions."""
        return sum(part.records for part in self.expired)

    def ends(self, topic_id: str) -> dict[int, int]:
        """Where each partition of a topic goes on; a partition the lake does not know is absent."""
        ends: dict[int, int] = {}
        marks = [(part.topic_id, part.partition, part.end) for part in self.held]
        marks += [(part.topic_id, part.partition, part.end) for part in self.lost]
        for topic, partition, end in marks:
            if topic == topic_id:
                ends[partition] = max(ends.get(partition, 0), end)
        return ends

    def after(self, ranges: Iterable[OffsetRange], lost: Iterable[LostRange]) -> LakeLedger:
        """The ledger after an append of `ranges`, which begin where it ends or behind a loss."""
        held = {(part.topic_id, part.partition, part.end): part for part in self.held}
        for new in ranges:
            old = held.pop((new.topic_id, new.partition, new.begin), None)
            begin = new.begin if old is None else old.begin
            held[new.topic_id, new.partition, new.end] = replace(new, begin=begin)
        ordered = sorted(held.values(), key=lambda part: (part.topic_id, part.partition, part.end))
        lost = (*self.lost, *lost)
        return replace(self, number=self.number + 1, held=tuple(ordered), lost=lost)

    def without(self, gone: Mapping[tuple[str, int], int], first: date) -> LakeLedger:
        """The ledger after `gone` records per topic id and partition expired before `first`."""
        counts = Counter({(part.topic_id, part.partition): part.records for part in self.expired})
        counts.update(gone)
        expired = tuple(Expired(*place, records) for place, records in sorted(counts.items()))
        return replace(self, expired=expired, kept_from=max(self.kept_from or first, first))

    def dump(self) -> str:
        """The ledger as a commit carries it."""
        return orjson.dumps({"vigie": self}).decode()


def read_ledger(feed: Feed, table: DeltaTable | None = None) -> LakeLedger:
    """The ledger of the newest commit that has one.

    Raises:
        LakeError: The table exists and no commit of its history has a ledger.
    """
    table = table or open_table(feed.name)
    if table is None:
        return LakeLedger()
    newest = [*table.history(1), *table.history()]
    for commit in newest:
        found = _parse(commit.get("userMetadata"))
        if found is not None:
            return found
    message = (
        f"{lake_uri(feed.name)}: no commit of its history says which offsets it holds, expected "
        "one by `vigie`. Move the table away; what the topic still has is then archived anew"
    )
    raise LakeError(message)


def open_with_ledger(feed: Feed) -> tuple[DeltaTable, LakeLedger] | None:
    """The table and the ledger of the same commit; None where nothing was archived yet.

    Raises:
        LakeBusy: Something was committed each time the ledger was read.
        LakeError: As `read_ledger`.
    """
    for _ in range(_TRIES):
        table = open_table(feed.name)
        if table is None:
            return None
        ledger = read_ledger(feed, table)
        # The history, and so the ledger, goes beyond the version of the table that was opened.
        newest = open_table(feed.name)
        if newest is not None and newest.version() == table.version():
            return table, ledger
    raise LakeBusy(f"{feed.name}: something was committed to the lake each of {_TRIES} times")


def _parse(text: Any) -> LakeLedger | None:
    """The ledger in a commit's metadata; None where another program made the commit."""
    if not isinstance(text, str):
        return None
    try:
        told = orjson.loads(text)["vigie"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    held = tuple(OffsetRange(**part) for part in told["held"])
    lost = tuple(LostRange(**part) for part in told["lost"])
    # Commits made before the lake had a retention lack what follows.
    expired = tuple(Expired(**part) for part in told.get("expired", ()))
    first = told.get("kept_from")
    kept_from = None if first is None else date.fromisoformat(first)
    return LakeLedger(told["number"], held, lost, expired, kept_from)
