"""Half-hourly readings as days of 48 values, and the weeks that lie before each day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vigie.modelling.readings import Numbers, Times

SLOTS = 48
PAST = 28
"""Days before a day that its forecast is made from."""
HALF_HOUR = np.timedelta64(30, "m")
DAY = np.timedelta64(1, "D")


def place(times: Times) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The day since 1970 (UTC) and the slot of the half hour that ends at, or holds, each time.

    The half hour that ends at midnight is the last of its day.
    """
    half_hours = -(-times.astype("datetime64[ms]").astype(np.int64) // 1_800_000) - 1
    return half_hours // SLOTS, half_hours % SLOTS


def grid(times: Times, values: Numbers, first: int, days: int) -> Numbers:
    """The values of one sensor by day and slot, from day `first` on; NaN where there are none."""
    filled = np.full((days, SLOTS), np.nan)
    day, slot = place(times)
    inside = (day >= first) & (day < first + days)
    filled[day[inside] - first, slot[inside]] = values[inside]
    return filled


def past(by_day: Numbers, delay: np.timedelta64) -> Numbers:
    """What is known, as each day begins, of the `PAST` days before it.

    `by_day` is a grid. The result goes by days back (the day before first), day, slot. A value is
    known once its half hour ended `delay` ago; what is not known is NaN.
    """
    days = len(by_day)
    padded = np.concatenate([np.full((PAST, SLOTS), np.nan), by_day])
    back = np.stack([padded[PAST - k : PAST - k + days] for k in range(1, PAST + 1)])
    since = np.arange(1, PAST + 1)[:, None] * DAY - np.arange(1, SLOTS + 1)[None, :] * HALF_HOUR
    known = since >= delay
    return np.where(known[:, None, :], back, np.nan)
