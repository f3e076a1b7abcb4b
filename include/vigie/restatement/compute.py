"""What each record of a day becomes when all of them are looked at together.

The functions are the stream's; only the order in which records of one identity are preferred has
to be said here, since there are no batches.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.restatement.preference import Prefer, preferred_rows
from vigie.restatement.source import Records
from vigie.restatement.stored import day_span
from vigie.streaming.copies import NONE_STORED, Repeats, find_repeats
from vigie.streaming.memory import Memory
from vigie.warehouse.feed_tables import value_columns


@dataclass(frozen=True)
class Computed:
    """Accepted rows of the day, the preferred of each identity first.

    Sensors not yet numbered have negative numbers. `failed` are all messages read that failed a
    check, whatever their day.
    """

    rows: pa.Table
    repeats: Repeats
    failed: pa.Table

    @property
    def winners(self) -> pa.Table:
        """The readings of the day as they should be stored."""
        return self.rows.take(self.repeats.fresh)


def compute(
    records: Records,
    feed: Feed,
    day: date,
    memory: Memory,
    stored: pa.Table,
    prefer: Prefer,
    *,
    without: Collection[tuple[str, datetime]] = (),
) -> Computed:
    """Sort the day's accepted records into readings, copies and conflicting copies.

    `first`: as the stream, the first committed of an identity is stored. Within a partition that is
    the lowest offset. Where partitions were added, two partitions can hold records of one identity,
    and which was committed first depended on how the batches were cut: then the one that is stored
    stays, or if none is, the one appended first.
    `last`: the values appended last win, for corrections. Of records that have them the stored one
    stays: a copy changes nothing.
    Sensors and event times in `without` are left out.
    """
    rows = _without(_in_day(records.accepted, day), without)
    rows = preferred_rows(rows, feed, memory, stored, prefer)
    repeats = find_repeats(rows, value_columns(feed), stored=NONE_STORED)
    return Computed(rows, repeats, records.failed)


def in_day(times: pa.ChunkedArray, day: date) -> npt.NDArray[np.bool_]:
    """Which event times lie in the day."""
    begin, end = (pa.scalar(t, pa.timestamp("us", tz="UTC")) for t in day_span(day))
    inside = pc.and_(pc.greater_equal(times, begin), pc.less(times, end))
    result: npt.NDArray[np.bool_] = pc.fill_null(inside, False).to_numpy()
    return result


def _in_day(rows: pa.Table, day: date) -> pa.Table:
    return rows.filter(pa.array(in_day(rows["event_time"], day)))


def _without(rows: pa.Table, identities: Collection[tuple[str, datetime]]) -> pa.Table:
    if not identities:
        return rows
    each = zip(rows["sensor"].to_pylist(), rows["event_time"].to_pylist(), strict=True)
    return rows.filter(pa.array([one not in identities for one in each], pa.bool_()))
