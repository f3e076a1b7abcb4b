"""Looks at every part and stream again and again, to tell how long each was away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from tests.campaign.plan import DRIVER
from tests.campaign.strike import Struck
from vigie.local.stack import Stack
from vigie.local.status import check_services
from vigie.supervision.status import stream_states

_EVERY = 2.0
_SEEN = 25.0
"""Seconds within which one that is away is seen to be, a driver's missed heartbeats included."""


class Watch:
    """A timeline of what worked, by the names of the plan's components."""

    def __init__(self, stack: Stack, feeds: Iterable[str]) -> None:
        self._stack, self._feeds = stack, list(feeds)
        self._timeline: list[tuple[float, frozenset[str]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def seconds_until_back(self, component: str, struck: Struck) -> float | None:
        """From the end of a fault until its component worked again; None if it was not seen away.

        Faults overlap, so that another one may have made it longer.
        """
        away = False
        for moment, working in self._timeline:
            if moment < struck.began:
                continue
            if component not in working:
                away = True
            elif away and moment >= struck.over:
                return moment - struck.over
            elif not away and moment > struck.over + _SEEN:
                return None
        return None

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            # What is frozen may make the look fail; the next one tells.
            with suppress(Exception):
                moment = time.monotonic()
                self._timeline.append((moment, frozenset(self._working())))

    def _working(self) -> Iterable[str]:
        yield from (part.name for part in check_services(self._stack) if part.healthy)
        for stream in stream_states(self._feeds):
            if stream.state == "running":
                yield f"{DRIVER} {stream.feed}"
