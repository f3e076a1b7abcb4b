"""For how long a stream with live readings commits nothing while something else happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Thread

from benchmarks.measure import LedgerWatch, Seen
from benchmarks.messages import sending_live
from vigie.contract.feed import Feed

_RATE = 200
_SETTLING, _USUAL = 5, 20
_LONG = 600


@dataclass(frozen=True)
class Pause:
    """The longest time between two commits, in seconds: of a usual while, and meanwhile."""

    usual: float
    meanwhile: float

    def __str__(self) -> str:
        return (
            f"longest time between two commits at {_RATE} messages/s: {self.usual:.2f} s before "
            f"the restatement, {self.meanwhile:.2f} s during it"
        )


def measure_pause(
    watch: LedgerWatch, feed: Feed, action: Callable[[], object], check: Callable[[], None]
) -> Pause:
    """Send live readings, look at the ledger every 20 ms, and do something after a while.

    Raises:
        RuntimeError: The action failed.
    """
    done: list[object] = []
    with sending_live(feed, rate=_RATE, seconds=_LONG):
        began = time.time() + _SETTLING
        watch.wait(lambda _: time.time() > began + _USUAL, check=check)
        acted = time.time()
        thread = Thread(target=lambda: done.append(action()))
        thread.start()
        watch.wait(lambda _: not thread.is_alive(), check=check)
        ended = time.time()
        # A commit that waited for the action comes after it.
        watch.wait(lambda seen: seen.at > ended, check=check)
    if not done:
        raise RuntimeError("the action failed")
    return Pause(_longest(watch.history, began, acted), _longest(watch.history, acted, time.time()))


def _longest(history: Sequence[Seen], begin: float, end: float) -> float:
    """The longest time between two commits seen, of which the later came within the time."""
    return max(b.at - a.at for a, b in pairwise(history) if begin < b.at <= end)
