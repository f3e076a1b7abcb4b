"""The trigger that watches a stream until the lease ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from vigie.supervision.failure import Failure
    from vigie.supervision.watch import Sight, Watcher

POLL_SECONDS = 2.0
_RED = ("dead", "stalled", "blocked", "unknown")


class WatchStream(BaseTrigger):
    """Watches and relaunches the stream of `feed` until `until` (seconds since 1970).

    It may run twice at once (a frozen triggerer wakes up after its trigger was handed on), and
    fails for no reason but cancellation.
    """

    def __init__(self, feed: str, until: float, **_: Any) -> None:
        # Unknown arguments come from newer code: a triggerer runs the old until its restart.
        super().__init__()  # type: ignore[no-untyped-call]
        self.feed = feed
        self.until = until
        self.launch: int | None = None
        self._watcher: Watcher | None = None
        self._logged: tuple[str, str] | None = None
        self._told: int | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The importable path and the arguments; the lease's end outlives the triggerer."""
        return f"{__name__}.{type(self).__name__}", {"feed": self.feed, "until": self.until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll off the event loop until the lease ends."""
        while time.time() < self.until:
            try:
                self._report(await asyncio.to_thread(self._poll))
            except Exception as error:
                self._log_once("error", f"stream {self.feed}: {type(error).__name__}: {error}")
            await asyncio.sleep(POLL_SECONDS)
        yield TriggerEvent({"feed": self.feed, "launch": self.launch})

    async def on_kill(self) -> None:
        """Ask for a graceful restart of the launch that was watched: clear, failed or success.

        Airflow may have started the next try already; the request names a launch, so it is
        honoured once, by whoever watches then.
        """
        if self.launch is not None:
            await asyncio.to_thread(self._request_restart, self.launch)

    def _poll(self) -> Sight:
        from vigie.supervision.watch import Watcher

        self._watcher = self._watcher or Watcher(self.feed)
        return self._watcher.poll()

    def _request_restart(self, launch: int) -> None:
        from vigie.supervision.desire import request_restart
        from vigie.warehouse.engines import get_engine

        request_restart(get_engine(), self.feed, launch, person="airflow")

    def _report(self, sight: Sight) -> None:
        from vigie.supervision.states import advice

        self.launch = sight.launch or self.launch
        state = sight.health.state
        text = f"stream {self.feed}, {sight}"
        if state in _RED:
            text += f"\nWhat to do: {advice(state, self.feed)}"
        self._log_once("warning" if state in _RED else "info", text)
        if sight.failure is not None and sight.failure.launch != self._told:
            self._told = sight.failure.launch
            self._tell(sight.failure)

    def _tell(self, failed: Failure) -> None:
        text = f"error of launch {failed.launch}: {failed.error_class}: {failed.message}"
        self.log.warning("stream %s, %s\n%s", self.feed, text, failed.tail)

    def _log_once(self, level: str, text: str) -> None:
        if (level, text) != self._logged:
            getattr(self.log, level)(text)
            self._logged = (level, text)
