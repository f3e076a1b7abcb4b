"""What goes, comes and changes: the day as computed against the day as stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vigie.streaming.copies import equal_rows

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Differences:
    """Row numbers: `came` and `new` of the computed rows, `went` and `old` of the stored ones.

    A changed row is `old[i]`, replaced by `new[i]`.
    """

    came: Integers
    went: Integers
    old: Integers
    new: Integers


def compare(computed: pa.Table, stored: pa.Table, key: Sequence[str]) -> Differences:
    """Compare rows by `key` in all columns of `stored` but `batch_no`; keys are distinct."""
    names = list(key)
    left = computed.select(names).append_column("computed", _numbers(computed))
    right = stored.select(names).append_column("stored", _numbers(stored))
    joined = left.join(right, keys=names, join_type="full outer")
    came = joined.filter(joined["stored"].is_null())["computed"].to_numpy()
    went = joined.filter(joined["computed"].is_null())["stored"].to_numpy()
    both = joined.filter(joined["stored"].is_valid())
    both = both.filter(both["computed"].is_valid())
    new, old = both["computed"].to_numpy(), both["stored"].to_numpy()
    values = [name for name in stored.column_names if name not in {*names, "batch_no"}]
    differ = ~equal_rows(computed.take(new), stored.take(old), values)
    return Differences(np.sort(came), np.sort(went), old[differ], new[differ])


def _numbers(rows: pa.Table) -> pa.Array:
    return pa.array(np.arange(rows.num_rows, dtype=np.int64))
