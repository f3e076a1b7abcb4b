"""What is remembered of each sensor: the newest rows, from which later rows' features are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vigie.modelling.readings import Numbers, Places, Readings

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
    rows = np.column_stack([readings.values[name] for name in fields])
    depth, after = max(spans), dict(memory)
    # Sensor after sensor: `depth` rows from before, NaN where there were fewer, then its new ones.
    known = np.full((len(rows) + depth * len(np.unique(readings.sensors)), len(fields)), np.nan)
    new = np.empty(len(rows), np.int64)
    end = 0
    for sensor, places in readings.by_sensor():
        before = memory.get(sensor, known[:0])
        begin = end + depth
        end = begin + len(places)
        known[begin - len(before) : begin] = before
        known[begin:end] = rows[places]
        new[places] = np.arange(begin, end)
        after[sensor] = known[max(end - depth, begin - len(before)) : end].copy()
    return _differences(known, new, spans), after


def _differences(known: Numbers, places: Places, spans: Sequence[int]) -> Numbers:
    """For the rows of `known` at these places, each with enough rows of its sensor before it."""
    new = known[places]
    total, count = np.zeros_like(new), np.zeros_like(new)
    means = {}
    for back in range(1, max(spans) + 1):
        earlier = known[places - back]
        there = np.isfinite(earlier)
        total = total + np.where(there, earlier, 0.0)
        count = count + there
        if back in spans:
            means[back] = np.divide(total, count, out=np.full_like(new, np.nan), where=count > 0)
    by_span = np.stack([new - means[span] for span in spans], axis=2)
    return by_span.reshape(len(new), new.shape[1] * len(spans))
