"""Finds second messages of one identity (sensor, event time) and tells copies from conflicts.

The reading stored first wins; within a batch that is the one with the lowest (partition, offset).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

IDENTITY = ("sensor_id", "event_time")
# Not from lists: for them, pyarrow would import pandas, in each driver that starts.
NONE_STORED = (pa.nulls(0, pa.int64()), pa.nulls(0, pa.bool_()))
"""What `Session.find_stored` gives where no identity is stored."""


@dataclass(frozen=True)
class Repeats:
    """Row numbers by what becomes of the row; together they are all rows of the batch."""

    fresh: npt.NDArray[np.int64]
    copies: npt.NDArray[np.int64]
    conflicts: npt.NDArray[np.int64]


def first_rows(rows: pa.Table) -> npt.NDArray[np.int64]:
    """For each row the number of the first row of its identity."""
    numbered = rows.select(list(IDENTITY)).append_column(
        "row_number", pa.array(np.arange(rows.num_rows, dtype=np.int64))
    )
    firsts = numbered.group_by(list(IDENTITY), use_threads=False).aggregate([("row_number", "min")])
    if firsts.num_rows == rows.num_rows:
        return np.arange(rows.num_rows, dtype=np.int64)
    joined = numbered.join(firsts, keys=list(IDENTITY)).sort_by("row_number")
    first: npt.NDArray[np.int64] = joined["row_number_min"].to_numpy()
    return first


def find_repeats(
    rows: pa.Table,
    values: Sequence[str],
    *,
    stored: tuple[pa.Array, pa.Array],
) -> Repeats:
    """Sort the rows of a batch into fresh readings, copies and conflicting copies.

    Args:
        rows: The batch in order of (partition, offset).
        values: The columns that are equal in copies.
        stored: Row numbers whose identity the warehouse has, and whether all values are equal
            there, as `Session.find_stored` gives them.
    """
    firsts = first_rows(rows)
    row_numbers = np.arange(rows.num_rows, dtype=np.int64)
    repeated = firsts != row_numbers
    same = np.ones(rows.num_rows, dtype=bool)
    if repeated.any():
        again = np.flatnonzero(repeated)
        same[again] = equal_rows(rows.take(again), rows.take(firsts[again]), values)
    in_store = stored[0].to_numpy(zero_copy_only=False)
    repeated[in_store] = True
    same[in_store] = stored[1].to_numpy(zero_copy_only=False)
    return Repeats(
        fresh=row_numbers[~repeated],
        copies=row_numbers[repeated & same],
        conflicts=row_numbers[repeated & ~same],
    )


def equal_rows(left: pa.Table, right: pa.Table, values: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Row-wise equality of all values; two nulls are equal."""
    result = np.ones(left.num_rows, dtype=bool)
    for name in values:
        same = pc.fill_null(pc.equal(left[name], right[name]), False)
        both_null = pc.and_(pc.is_null(left[name]), pc.is_null(right[name]))
        result &= pc.or_(same, both_null).to_numpy()
    return result
