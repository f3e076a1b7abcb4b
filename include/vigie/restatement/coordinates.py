"""Where a record stands in Kafka: topic id, partition and offset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vigie.streaming.split import COORDINATES

Coordinates = tuple[str, int, int]
"""Topic id, partition, offset."""

_WIDEST = 1 << 16


def coordinates(rows: pa.Table) -> list[Coordinates]:
    """Topic id, partition and offset of each row."""
    columns = (rows[name].to_pylist() for name in ("topic_id", *COORDINATES[:2]))
    return list(zip(*columns, strict=True))


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
