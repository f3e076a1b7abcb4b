"""The trigger that wakes `collect_files` when a file in the inbox is whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from vigie.collection.inbox import Waiting

POLL_SECONDS = 5.0
REMIND_SECONDS = 600.0
"""How often a file is told of that is still there: its run has failed."""
_NAMED = 20


class WatchInbox(BaseEventTrigger):
    """Tells of each file once it is whole, and again while it stays. An idle look is one listing.

    It fails for no reason but cancellation.
    """

    def __init__(self, **_: Any) -> None:
        # Unknown arguments come from newer code: a triggerer runs the old until its restart.
        super().__init__()  # type: ignore[no-untyped-call]
        self._told: dict[Waiting, float] = {}
        self._error = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The importable path; it has no arguments."""
        return f"{__name__}.{type(self).__name__}", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look off the event loop, for ever."""
        while True:
            try:
                new = await asyncio.to_thread(self._look)
                self._error = ""
            except Exception as error:
                new = []
                self._log_once(f"the inbox cannot be read: {type(error).__name__}: {error}")
            if new:
                names = [f"{file.feed}/{file.path.name}" for file in new]
                yield TriggerEvent({"files": names[:_NAMED], "count": len(names)})
            await asyncio.sleep(POLL_SECONDS)

    def _look(self) -> list[Waiting]:
        """The files that wait and were not told of lately."""
        from vigie.collection.inbox import waiting_files

        now = time.monotonic()
        there = waiting_files()
        told = {file: self._told[file] for file in there if file in self._told}
        new = [file for file in there if now - told.get(file, -REMIND_SECONDS) >= REMIND_SECONDS]
        self._told = told | dict.fromkeys(new, now)
        return new

    def _log_once(self, text: str) -> None:
        if text != self._error:
            self.log.error(text)
            self._error = text
