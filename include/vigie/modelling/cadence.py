"""When a model is trained again."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from vigie.modelling.readings import Numbers, Times

Cadence = Literal["monthly", "weekly", "daily", "drift"]
CADENCES: tuple[Cadence, ...] = get_args(Cadence)
DAY = np.timedelta64(1, "D")
LATELY = np.timedelta64(72, "h")
"""Drift is judged on the labels that became known in so long."""
_EVERY = {"monthly": np.timedelta64(30, "D"), "weekly": np.timedelta64(7, "D"), "daily": DAY}


def is_due(cadence: Cadence, now: np.datetime64, trained: np.datetime64, *, drifted: bool) -> bool:
    """Whether to train at `now`, having trained last at `trained`."""
    return drifted if cadence == "drift" else bool(now - trained >= _EVERY[cadence])


def has_drifted(errors: Numbers, known: Times, now: np.datetime64, above: float) -> bool:
    """Whether the mean of the absolute errors whose labels became known lately is `above`."""
    lately = errors[(known > now - LATELY) & (known <= now) & np.isfinite(errors)]
    return bool(len(lately)) and float(np.mean(lately)) > above
