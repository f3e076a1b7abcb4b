"""A driver's sign of life: a thread of its own, with a connection of its own, every two seconds.

It waits for nothing else, so that a batch that hangs still shows a live driver without progress.
It also reads whether the driver is asked to stop.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from vigie.warehouse import core
from vigie.warehouse.engines import impatient_engine
from vigie.warehouse.types import UtcNow

log = logging.getLogger(__name__)

INTERVAL = 2.0


@dataclass
class Pulse:
    """What the driver wants the heartbeat to say; set by any thread, read by the heartbeat."""

    phase: str = "starting"
    progress: int = 0
    lag_messages: int | None = None
    model: str | None = None
    """Which version predicts, and what is wrong with it; None without a model."""
    level_at: float | None = None
    """Monotonic time when the stream was last level with its topic."""

    def advance(self) -> None:
        """Count one step of progress: a commit, or an attempt at one."""
        self.progress += 1


class Heartbeat:
    """Writes `ops.heartbeat` until stopped; `stop_requested` turns true once and stays."""

    def __init__(self, feed: str, launch: int, pulse: Pulse) -> None:
        self.stop_requested = threading.Event()
        self._feed, self._launch, self._pulse = feed, launch, pulse
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._seen_progress = -1

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat a last time and end."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        engine = impatient_engine(seconds=2)
        while True:
            ended = self._ended.wait(0)
            try:
                self._beat(engine)
            except SQLAlchemyError as error:
                log.warning("%s: no heartbeat: %s", self._feed, error)
            if ended:
                engine.dispose()
                return
            self._ended.wait(INTERVAL)

    def _beat(self, engine: Engine) -> None:
        pulse = self._pulse
        behind = None if pulse.level_at is None else time.monotonic() - pulse.level_at
        values: dict[str, object] = {
            "launch": self._launch,
            "beat_at": UtcNow(),
            "phase": pulse.phase,
            "progress": pulse.progress,
            "lag_messages": pulse.lag_messages,
            "model": pulse.model,
            "lag_seconds": None if pulse.lag_messages is None else behind,
        }
        if pulse.progress != self._seen_progress:
            values["progress_at"] = UtcNow()
        t = core.heartbeat.c
        with engine.begin() as connection:
            mine = update(core.heartbeat).where(t.feed == self._feed, t.launch <= self._launch)
            if not connection.execute(mine.values(values)).rowcount:
                self._insert_first(connection, values)
            if self._is_asked_to_stop(connection):
                self.stop_requested.set()
        self._seen_progress = pulse.progress

    def _insert_first(self, connection: Connection, values: dict[str, object]) -> None:
        t = core.heartbeat.c
        query = select(t.launch).where(t.feed == self._feed)
        if connection.execute(query).first() is None:
            row = {"feed": self._feed, "progress_at": UtcNow()} | values
            connection.execute(insert(core.heartbeat).values(row))

    def _is_asked_to_stop(self, connection: Connection) -> bool:
        stream, request = core.stream.c, core.launch_request.c
        desired = connection.execute(
            select(stream.desired).where(stream.feed == self._feed)
        ).scalar()
        asked = connection.execute(
            select(request.kind).where(request.feed == self._feed, request.launch == self._launch)
        ).first()
        return desired == "stopped" or asked is not None
