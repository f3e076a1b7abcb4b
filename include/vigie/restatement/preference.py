"""Which record of an identity is stored, where a day's records are looked at all together."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.restatement.coordinates import among
from vigie.streaming.copies import IDENTITY, NONE_STORED, find_repeats
from vigie.streaming.memory import Memory
from vigie.streaming.rows import reading_rows
from vigie.warehouse.feed_tables import value_columns

Prefer = Literal["first", "last"]

_PLACE = ("kafka_partition", "kafka_offset")


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


def _newest_first(rows: pa.Table) -> pa.Array:
    """Row numbers, the record appended last first."""
    keys = [(name, "descending") for name in ("append_time", *_PLACE)]
    return pc.sort_indices(rows, sort_keys=keys)


def _stored_before_its_copies(
    rows: pa.Table, stored: pa.Table, feed: Feed
) -> npt.NDArray[np.int64]:
    """Row numbers: a stored record that equals the first of its identity leads instead."""
    copies = find_repeats(rows, value_columns(feed), stored=NONE_STORED).copies
    leading = copies[among(rows.take(copies), stored)]
    return np.concatenate([leading, np.delete(np.arange(rows.num_rows), leading)])


def _first_committed_first(rows: pa.Table, stored: pa.Table) -> pa.Array | npt.NDArray[np.int64]:
    """Row numbers, the most preferred first."""
    if rows.group_by(list(IDENTITY)).aggregate([]).num_rows == rows.num_rows:
        # Mostly nothing repeats; sorting costs more than the rest of the comparison.
        return np.arange(rows.num_rows)
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
