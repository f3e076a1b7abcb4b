"""Which readings of a batch go on where their sensor was, and which come from behind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vigie.streaming.memory import Memory

Integers = npt.NDArray[np.int64]


def newer_rows(stored: pa.Table, among: Integers, memory: Memory) -> Integers:
    """Rows newer than all of their sensor's before them, sensor by sensor, in order of time.

    Before a row are those that came earlier in the batch and those that `memory` knows of, so the
    cuts between batches change nothing.

    Args:
        stored: The batch's fresh readings, each sensor's in order of offset.
        among: Rows to look at, in order.
        memory: Last event times before this batch.
    """
    sensors = stored["sensor_id"].to_numpy()[among]
    order = np.argsort(sensors, kind="stable")
    rows, sensors = among[order], sensors[order]
    times = stored["event_time"].cast(pa.int64()).to_numpy()[rows]
    # A running maximum per sensor in one pass: ranks, lifted above those of the sensors before.
    ranks = np.unique(times, return_inverse=True)[1].astype(np.int64)
    lifted = ranks + np.cumsum(np.diff(sensors, prepend=sensors[:1]) != 0) * (len(rows) + 1)
    newest = np.maximum.accumulate(lifted)
    newer = np.concatenate([[True], lifted[1:] > newest[:-1]])[: len(rows)]
    newer_ones: Integers = rows[newer & (times > memory.last_times(sensors))]
    return newer_ones
