"""Which sensor reports when: a history, or live at the feed's own pace or a rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count as numbers

Moment = tuple[int, datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def history(sensors: int, *, start: datetime, step: timedelta, count: int) -> Iterator[Moment]:
    """All sensors at `start`, then all one `step` later, and so on for `count` moments."""
    for number in range(count):
        yield number % sensors, start + number // sensors * step


def on_the_clock(at: datetime, every: timedelta) -> datetime:
    """The last multiple of `every` (counted from the epoch) up to a moment.

    Histories and live readings fall on these, so that they are readings of one series.
    """
    return _EPOCH + (at - _EPOCH) // every * every


def paced(sensors: int, *, every: timedelta, wait: Callable[[float], bool]) -> Iterator[Moment]:
    """All sensors each time the clock reaches a multiple of `every`.

    Several sensors at once cost the stream one batch, not one each. `wait` waits some seconds and
    says whether this was the end.
    """
    due = on_the_clock(datetime.now(UTC), every) + every
    while True:
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            if wait(left):
                return
        for sensor in range(sensors):
            yield sensor, due
        # After a long stop (a laptop asleep) it goes on from now.
        due = max(due, on_the_clock(datetime.now(UTC), every)) + every


def live(
    sensors: int, *, rate: float, at_once: int, wait: Callable[[float], bool]
) -> Iterator[Moment]:
    """Each sensor in turn, now, `at_once` of them together, `rate` a second.

    Never the same millisecond twice for one sensor. Time lost is not caught up in a burst. `wait`
    waits some seconds and says whether this was the end.
    """
    last = [datetime.min.replace(tzinfo=UTC)] * sensors
    due = time.monotonic()
    for number in numbers():
        if number % at_once == 0:
            while (left := due - time.monotonic()) > 0:
                if wait(left):
                    return
            due = max(due, time.monotonic() - 1) + at_once / rate
        sensor = number % sensors
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        last[sensor] = max(now, last[sensor] + timedelta(milliseconds=1))
        yield sensor, last[sensor]
