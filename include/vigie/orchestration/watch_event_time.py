"""The trigger that wakes `monitor_models` when event time went on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from vigie.monitoring.clock import Due

POLL_SECONDS = 3.0
UNANSWERED_SECONDS = 600.0
"""A model is told of again after so long, if nobody looked at it: its run has failed."""


class WatchEventTime(BaseEventTrigger):
    """Tells of the models to look at, each once until somebody did. A look is two small queries.

    It fails for no reason but cancellation.
    """

    def __init__(self, **_: Any) -> None:
        # Unknown arguments come from newer code: a triggerer runs the old until its restart.
        super().__init__()  # type: ignore[no-untyped-call]
        self._told: dict[str, tuple[int, float]] = {}
        self._error = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The importable path; it has no arguments."""
        return f"{__name__}.{type(self).__name__}", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look off the event loop, for ever."""
        while True:
            try:
                new = self._new(await asyncio.to_thread(self._look))
                self._error = ""
            except Exception as error:
                new = {}
                self._log_once(f"event times cannot be read: {type(error).__name__}: {error}")
            if new:
                yield TriggerEvent(new)
            await asyncio.sleep(POLL_SECONDS)

    def _look(self) -> Mapping[str, Due]:
        from vigie.contract.loader import load_feeds
        from vigie.monitoring.clock import due_models
        from vigie.warehouse.engines import get_engine

        with get_engine().connect() as connection:
            return due_models(connection, load_feeds().values())

    def _new(self, due: Mapping[str, Due]) -> dict[str, str]:
        """Event time by model, of those not told of since they were looked at last."""
        now, new = time.monotonic(), {}
        for name, one in due.items():
            last_check, told = self._told.get(name, (-1, now))
            if one.last_check != last_check or now - told >= UNANSWERED_SECONDS:
                self._told[name] = (one.last_check, now)
                new[name] = one.event_time.isoformat()
        return new

    def _log_once(self, text: str) -> None:
        if text != self._error:
            self.log.error(text)
            self._error = text
