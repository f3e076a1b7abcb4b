"""How many messages streams committed lately, by slices of ten seconds, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from vigie.supervision.rows import newest_of
from vigie.warehouse.core import ledger
from vigie.warehouse.moments import Ago

SLICE = 10
"""Seconds of a slice."""
LENGTH = timedelta(minutes=15)
"""How far back a history reaches."""

# A commit may become visible some seconds after the moment it is dated by.
_AGAIN = timedelta(seconds=30)
# More batches than any stream commits in a second: older ones need not be looked at.
_BATCHES_A_SECOND = 10


@dataclass(frozen=True)
class Slice:
    """What was committed in ten seconds: messages read, and those of them quarantined."""

    begin: int
    """Seconds since 1970."""
    read: int
    quarantined: int


class Traffic:
    """The last quarter of an hour of some feeds; after the first, a look reads only what is new."""

    def __init__(self) -> None:
        self._slices: dict[str, dict[int, Slice]] = {}
        self._looked_at: datetime | None = None

    def look(self, connection: Connection, feeds: Sequence[str], now: datetime) -> None:
        """Read what was committed since the last look; `now` is the database's clock."""
        length = LENGTH
        if self._looked_at is not None and feeds == list(self._slices):
            length = min(now - self._looked_at + _AGAIN, LENGTH)
        else:
            self._slices = {feed: {} for feed in feeds}
        # Only whole slices are replaced.
        first = _slice_of(now - length) + SLICE
        oldest = _slice_of(now - LENGTH)
        read = _read(connection, feeds, length)
        for feed, kept in self._slices.items():
            older = {begin: s for begin, s in kept.items() if oldest < begin < first}
            newer = {begin: s for begin, s in read.get(feed, {}).items() if begin >= first}
            self._slices[feed] = older | newer
        self._looked_at = now

    def slices(self, feed: str) -> list[Slice]:
        """The slices of a feed in which something was committed, oldest first."""
        kept = self._slices.get(feed, {})
        return [kept[begin] for begin in sorted(kept)]


def _read(
    connection: Connection, feeds: Sequence[str], length: timedelta
) -> dict[str, dict[int, Slice]]:
    if not feeds:
        return {}
    t = ledger.c
    newest = newest_of(feeds, t.batch_no)
    reach = int(length.total_seconds()) * _BATCHES_A_SECOND
    recent = (t.feed == newest.c.feed) & (t.batch_no > newest.c.newest - reach)
    batches = (
        select(t.feed, func.sum(t.messages_read), func.sum(t.quarantined), func.max(t.committed_at))
        .join_from(newest, ledger, recent)
        .where(t.committed_at > Ago(length))
        .group_by(t.feed, t.batch_no)
    )
    found: dict[str, dict[int, Slice]] = {}
    for feed, read, quarantined, moment in connection.execute(batches):
        begin = _slice_of(moment)
        of_feed = found.setdefault(feed, {})
        before = of_feed.get(begin, Slice(begin, 0, 0))
        of_feed[begin] = Slice(
            begin, before.read + int(read), before.quarantined + int(quarantined)
        )
    return found


def _slice_of(moment: datetime) -> int:
    return int(moment.timestamp()) // SLICE * SLICE
