"""One look at all streams for however many people look: the warehouse is asked once."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from time import monotonic

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from vigie.contract.loader import feed_titles
from vigie.errors import VigieError, first_line
from vigie.supervision.master import SparkMaster
from vigie.supervision.status import StreamState, read_states, unknown_stream
from vigie.supervision.traffic import Slice, Traffic
from vigie.supervision.upkeep import Refreshed, Upkeep, last_refresh, read_upkeep
from vigie.warehouse.engines import impatient_engine
from vigie.warehouse.types import UtcNow

EVERY = 1.5
"""Seconds for which a look serves everybody."""
_UPKEEP_EVERY = 30.0
_PATIENCE = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sight:
    """What was seen at `at`; `away_since` while the warehouse does not answer, with the reason."""

    at: datetime
    titles: dict[str, str] = field(default_factory=dict)
    streams: list[StreamState] = field(default_factory=list)
    traffic: dict[str, list[Slice]] = field(default_factory=dict)
    upkeep: dict[str, Upkeep] = field(default_factory=dict)
    refreshed: Refreshed | None = None
    away_since: datetime | None = None
    away: str = ""


_NOTHING = Sight(datetime.min.replace(tzinfo=UTC))


class Look:
    """Keeps the newest sight; safe to share between threads.

    Nobody waits for a slow warehouse but who asks first: it is Airflow's own server that waits.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._sight, self._seen_at = _NOTHING, -math.inf
        self._upkeep_at = -math.inf
        self._traffic = Traffic()

    def take(self) -> Sight:
        """A sight that is new enough, or the last one while somebody takes a new one."""
        last = self._sight
        if monotonic() - self._seen_at < EVERY:
            return last
        if not self._lock.acquire(blocking=last is _NOTHING):
            return last
        try:
            if self._sight is last:
                self._sight = self._renew(last)
                self._seen_at = monotonic()
            return self._sight
        finally:
            self._lock.release()

    def _renew(self, last: Sight) -> Sight:
        now, titles = datetime.now(UTC), feed_titles()
        try:
            return self._read(now, titles, last)
        except (SQLAlchemyError, VigieError) as error:
            streams = [unknown_stream(feed) for feed in titles]
            reason = first_line(error)
            if reason != last.away:
                log.warning("the Streams page knows nothing of the streams: %s", reason)
            return replace(
                last,
                at=now,
                titles=titles,
                streams=streams,
                away_since=last.away_since or now,
                away=reason,
            )

    def _read(self, now: datetime, titles: dict[str, str], last: Sight) -> Sight:
        engine, feeds = _engine(), list(titles)
        upkeep, refreshed = last.upkeep, last.refreshed
        with engine.connect() as connection:
            self._traffic.look(connection, feeds, connection.execute(select(UtcNow())).scalar_one())
            if monotonic() - self._upkeep_at > _UPKEEP_EVERY or set(upkeep) != set(feeds):
                upkeep, refreshed = read_upkeep(connection, feeds), last_refresh(connection)
                self._upkeep_at = monotonic()
            streams = read_states(connection, _master(), feeds)
        traffic = {feed: self._traffic.slices(feed) for feed in feeds}
        return Sight(now, titles, streams, traffic, upkeep, refreshed)


@cache
def _engine() -> Engine:
    return impatient_engine(seconds=_PATIENCE)


@cache
def _master() -> SparkMaster:
    return SparkMaster()
