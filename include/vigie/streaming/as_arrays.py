"""Stored readings as the arrays that models are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from vigie.contract.feed import Feed, Field
from vigie.modelling.readings import Numbers, Readings

_LARGEST = 1e30
"""Estimators compute in single precision, and raise on numbers that it has not."""


def numbers(column: pa.ChunkedArray, field: Field) -> Numbers:
    """Values of a field as an estimator takes them: within the valid range, NaN where missing."""
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    values = column.to_numpy()
    within: Numbers = np.clip(values, *(field.valid or (-_LARGEST, _LARGEST)))
    return within


def sensors_of(fresh: pa.Table) -> dict[str, int]:
    """Names and numbers of the sensors, in the order in which their readings stand."""
    numbers = fresh["sensor_id"].to_numpy()
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    names = fresh["sensor"].take(pa.array(first)).to_pylist()
    return dict(zip(names, numbers[first].tolist(), strict=True))


def readings_of(
    fresh: pa.Table, sensors: Mapping[str, int], feed: Feed, names: Sequence[str]
) -> Readings:
    """The readings as arrays; they stand sensor by sensor."""
    ends = np.flatnonzero(np.diff(fresh["sensor_id"].to_numpy(), append=-1)) + 1
    return Readings(
        sensors=np.repeat(np.array([*sensors], dtype=str), np.diff(ends, prepend=0)),
        times=fresh["event_time"].cast(pa.timestamp("ms", tz="UTC")).to_numpy(),
        values={name: numbers(fresh[name], feed.fields[name]) for name in names},
    )
