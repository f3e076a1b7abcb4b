"""What is remembered of each sensor: the newest rows, from which later rows' features are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vigie.modelling.readings import Numbers, Readings

Memory = Mapping[str, Numbers]
"""Per sensor its newest rows, oldest first; one column per remembered field."""


def differences(
    memory: Memory, readings: Readings, fields: Sequence[str], spans: Sequence[int]
) -> tuple[Numbers, Memory]:
    """Each field less its mean over the sensor's last rows before, for each span in rows.

    Columns go by field, then by span. The mean is of the values there are; without any it is NaN.
    Returns them with the memory to go on from: wherever a history is cut, the features are the
    same to the bit, since each mean is added up in the same order.
    """
    columns = np.full((len(readings), len(fields) * len(spans)), np.nan)
    after = dict(memory)
    rows = np.column_stack([readings.values[name] for name in fields])
    for sensor, places in readings.by_sensor():
        before = memory.get(sensor, np.empty((0, len(fields))))
        known = np.concatenate([before, rows[places]])
        columns[places] = _differences(known, len(before), spans)
        after[sensor] = known[-max(spans) :].copy()
    return columns, after


def _differences(known: Numbers, first: int, spans: Sequence[int]) -> Numbers:
    """For the rows of `known` from `first` on."""
    new = known[first:]
    total, count = np.zeros_like(new), np.zeros_like(new)
    means = {}
    padded = np.concatenate([np.full((max(spans), known.shape[1]), np.nan), known])
    end = len(padded)
    for back in range(1, max(spans) + 1):
        earlier = padded[end - len(new) - back : end - back]
        there = np.isfinite(earlier)
        total = total + np.where(there, earlier, 0.0)
        count = count + there
        if back in spans:
            means[back] = np.divide(total, count, out=np.full_like(new, np.nan), where=count > 0)
    by_span = np.stack([new - means[span] for span in spans], axis=2)
    return by_span.reshape(len(new), -1)
