"""Where metrics come from, each asked in a thread of its own and for a limited time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from vigie.errors import first_line

log = logging.getLogger(__name__)

PATIENCE = 4.0
"""Seconds that a scrape waits for its sources."""


class Sample(NamedTuple):
    """One value of a metric of the catalogue, with the values of its labels in their order."""

    name: str
    labels: tuple[str, ...]
    value: float


def at(moment: datetime | None) -> float | None:
    """A moment as Prometheus has it; None stays None."""
    return None if moment is None else moment.timestamp()


@dataclass(frozen=True)
class Source:
    """One part of the platform; an answer younger than `every` seconds serves again."""

    name: str
    read: Callable[[], Iterable[Sample]]
    every: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What a source said: None where it failed or is not done."""

    samples: Sequence[Sample] | None
    seconds: float


class Asked:
    """One source with its last answer. A slow one is not asked again before it has answered."""

    def __init__(self, source: Source, pool: ThreadPoolExecutor) -> None:
        self.source, self._pool = source, pool
        self._pending: Future[Answer] | None = None
        self._asked_at = float("-inf")
        self._was_up: bool | None = None

    def ask(self) -> Future[Answer]:
        """The answer, or the promise of one."""
        pending = self._pending
        if pending is not None and not pending.done():
            return pending
        young = monotonic() - self._asked_at < self.source.every
        if pending is not None and young and pending.result().samples is not None:
            return pending
        self._asked_at = monotonic()
        self._pending = self._pool.submit(self._read)
        return self._pending

    def _read(self) -> Answer:
        began = monotonic()
        try:
            samples = list(self.source.read())
        except Exception as error:
            # Whatever it is, the other sources' metrics must not be lost with it.
            if self._was_up is not False:
                why = first_line(error)
                log.warning("%s: no answer: %s: %s", self.source.name, type(error).__name__, why)
            self._was_up = False
            return Answer(None, monotonic() - began)
        if self._was_up is False:
            log.warning("%s: it answers again", self.source.name)
        self._was_up = True
        return Answer(samples, monotonic() - began)


class Panel:
    """All sources, asked side by side."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._pool = ThreadPoolExecutor(len(sources), thread_name_prefix="source")
        self._asked = [Asked(source, self._pool) for source in sources]

    def ask(self, patience: float = PATIENCE) -> dict[str, Answer]:
        """Each source's answer; one that is not there in time has no samples."""
        promised = {asked.source.name: asked.ask() for asked in self._asked}
        wait(promised.values(), timeout=patience)
        late = Answer(None, patience)
        return {
            name: promise.result() if promise.done() else late for name, promise in promised.items()
        }

    def close(self) -> None:
        """Let no further question begin."""
        self._pool.shutdown(wait=False, cancel_futures=True)
