"""What each record of a day becomes when all of them are looked at together.

The functions are the stream's; only the order in which records of one identity are preferred has
to be said here, since there are no batches.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.restatement.source import Records
from vigie.restatement.stored import day_span
from vigie.streaming.copies import IDENTITY, Repeats, find_repeats
from vigie.streaming.memory import Memory
from vigie.streaming.rows import reading_rows
from vigie.warehouse.feed_tables import value_columns

Prefer = Literal["first", "last"]
_WIDEST = 1 << 16
_PLACE = ("kafka_partition", "kafka_offset")


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
    none = (pa.array([], pa.int64()), pa.array([], pa.bool_()))
    repeats = find_repeats(rows, value_columns(feed), stored=none)
    return Computed(rows, repeats, records.failed)


def preferred_rows(
    accepted: pa.Table, feed: Feed, memory: Memory, stored: pa.Table, prefer: Prefer
) -> pa.Table:
    """Accepted records as rows of readings, of each identity the preferred one first."""
    names = pc.unique(accepted["sensor"]).to_pylist()
    unknown = [name for name in names if name not in memory.sensors]
    known = memory.sensors | {name: -number for number, name in enumerate(unknown, 1)}
    encoded = accepted["sensor"].combine_chunks().dictionary_encode()
    numbers = pa.array([known[name] for name in encoded.dictionary.to_pylist()], pa.int32())
    rows = reading_rows(accepted, pc.take(numbers, encoded.indices), feed, memory.statuses, 0)
    if prefer == "last":
        rows = rows.take(_newest_first(rows))
        return rows.take(_stored_before_its_copies(rows, stored, feed))
    return rows.take(_first_committed_first(rows, stored))


def coordinate_keys(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Partition and offset as one number; a fact does not keep its topic's id."""
    parts = rows["kafka_partition"].to_numpy().astype(np.int64)
    keys: npt.NDArray[np.int64] = rows["kafka_offset"].to_numpy() * _WIDEST + parts
    return keys


def among(rows: pa.Table, others: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows have the coordinates of one of the others."""
    known = pa.array(coordinate_keys(others))
    found: npt.NDArray[np.bool_] = pc.is_in(
        pa.array(coordinate_keys(rows)), value_set=known
    ).to_numpy(zero_copy_only=False)
    return found


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


def _newest_first(rows: pa.Table) -> pa.Array:
    """Row numbers, the record appended last first."""
    keys = [(name, "descending") for name in ("append_time", *_PLACE)]
    return pc.sort_indices(rows, sort_keys=keys)


def _stored_before_its_copies(
    rows: pa.Table, stored: pa.Table, feed: Feed
) -> npt.NDArray[np.int64]:
    """Row numbers: a stored record that equals the first of its identity leads instead."""
    none = (pa.array([], pa.int64()), pa.array([], pa.bool_()))
    copies = find_repeats(rows, value_columns(feed), stored=none).copies
    leading = copies[among(rows.take(copies), stored)]
    return np.concatenate([leading, np.delete(np.arange(rows.num_rows), leading)])


def _first_committed_first(rows: pa.Table, stored: pa.Table) -> pa.Array:
    """Row numbers, the most preferred first."""
    is_stored = among(rows, stored)
    marked = pa.table(
        {name: rows[name] for name in (*IDENTITY, "topic_id", "append_time")}
        | {name: rows[name] for name in _PLACE}
        | {"row": np.arange(rows.num_rows), "absent": (~is_stored).astype(np.int8)}
    )
    identity = [*IDENTITY, "topic_id", "kafka_partition"]
    first = marked.group_by(identity, use_threads=False).aggregate([("kafka_offset", "min")])
    lowest = marked["kafka_offset"]
    if first.num_rows < marked.num_rows:
        lowest = marked.join(first, keys=identity).sort_by("row")["kafka_offset_min"]
    follows = pc.not_equal(marked["kafka_offset"], lowest).cast(pa.int8())
    marked = marked.append_column("follows", follows)
    order = [("follows", "ascending"), ("absent", "ascending"), ("append_time", "ascending")]
    place = [(name, "ascending") for name in ("topic_id", *_PLACE)]
    return pc.sort_indices(marked, sort_keys=[*order, *place])
