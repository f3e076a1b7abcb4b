"""Signals that models are made of. Times are seconds since the epoch, in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie.contract.feed import Feed
from vigie.simulator.noise import Ints, Numbers

DAY = 86_400.0
_THURSDAY = 3
"""The weekday of the epoch's first day, Monday being 0."""


def hour_of(times: Numbers) -> Numbers:
    """Hours since midnight."""
    hours: Numbers = times % DAY / 3600
    return hours


def day_of(times: Numbers) -> Ints:
    """Days since the epoch."""
    return np.floor(times / DAY).astype(np.int64)


def is_weekend(times: Numbers) -> npt.NDArray[np.bool_]:
    """Whether it is Saturday or Sunday."""
    weekend: npt.NDArray[np.bool_] = (day_of(times) + _THURSDAY) % 7 >= 5
    return weekend


def daily(times: Numbers, *, peak_hour: Numbers | float) -> Numbers:
    """A smooth rhythm between -1 and 1, highest at `peak_hour`."""
    return np.sin(2 * np.pi * (times / DAY - (peak_hour - 6) / 24))


def yearly(times: Numbers, *, peak_day: float = 200) -> Numbers:
    """A smooth rhythm between -1 and 1, highest on a day of the year (by default in July)."""
    return np.cos(2 * np.pi * (times / DAY - peak_day) / 365.2425)


def drift(times: Numbers, *, days: float, phase: Numbers) -> Numbers:
    """A slow wander between -1 and 1 over some `days`; `phase` (0 to 1) makes it another one."""
    turns = times / DAY / days
    slow = np.sin(2 * np.pi * (turns + phase))
    slower: Numbers = 0.6 * slow + 0.4 * np.sin(2 * np.pi * (turns * 0.382 + phase * 7))
    return slower


def bump(hours: Numbers, *, peak: Numbers | float, width: float) -> Numbers:
    """A bell of height 1 around an hour of the day, whole across midnight."""
    away = (hours - peak + 12) % 24 - 12
    return np.exp(-((away / width) ** 2))


def response(
    level: Callable[[Ints], Numbers], times: Numbers, *, slot: float, decay: float, slots: int
) -> Numbers:
    """What slowly follows a level that changes from slot to slot, as heat or breath in a room.

    Args:
        level: The level in each slot, by the slot's number.
        times: When to look.
        slot: Seconds of a slot.
        decay: Seconds until a third (1/e) of a difference is left.
        slots: How many slots it looks back; what is older must have decayed.
    """
    now = np.floor(times / slot).astype(np.int64)
    found = np.zeros(len(times))
    for back in range(slots):
        number = now - back
        since_begin = times - number * slot
        since_end = np.maximum(since_begin - slot, 0)
        found += level(number) * (np.exp(-since_end / decay) - np.exp(-since_begin / decay))
    return found


def within(feed: Feed, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The values, each field of the feed brought into its valid range and rounded."""
    found = dict(values)
    for name, field in feed.fields.items():
        if name in found:
            low, high = field.valid or (-np.inf, np.inf)
            found[name] = np.round(np.clip(found[name], low, high), 4)
    return found
