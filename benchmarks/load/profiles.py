"""How a fleet's size goes through a run: the share of its meters at a share of the time."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

Profile = Callable[[float], float]


def _spike(at: float) -> float:
    """A fifth of them, and all at once in the middle fifth: power is back after a cut."""
    return 1.0 if 0.4 <= at < 0.6 else 0.2


def _day(at: float) -> float:
    """A day in short: quiet by night, most in the evening."""
    return 0.55 - 0.45 * cos(2 * pi * (at - 0.3))


PROFILES: dict[str, Profile] = {
    "steady": lambda at: 1.0,
    "ramp": lambda at: at,
    "spike": _spike,
    "day": _day,
}
