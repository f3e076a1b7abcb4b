"""The trigger that watches a refresh until it ends, and cancels it when its time is up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent

from vigie.errors import RefreshAway, RefreshError, RefreshRefused, RefreshThrottled
from vigie.orchestration.refresh_trigger import POLL_SECONDS, RefreshTrigger
from vigie.refresh.answers import Look, State
from vigie.refresh.refusals import PATIENCE_SECONDS

CANCEL_SECONDS = 60.0
"""How long a cancelled refresh has to end."""


class WatchRefresh(RefreshTrigger):
    """Tells `{"state": …, "why": …}` once the refresh ended, or `until` has passed.

    After `until` (seconds since 1970) the refresh is cancelled; so it is when the task is cleared
    or marked. It fails for no reason but cancellation.
    """

    arguments = ("request_id", "until")

    def __init__(
        self,
        conn_id: str,
        group_id: str,
        dataset_id: str,
        request_id: str,
        until: float,
        poll: float = POLL_SECONDS,
        **_: Any,
    ) -> None:
        # Unknown arguments come from newer code: a triggerer runs the old until its restart.
        super().__init__(conn_id, group_id, dataset_id, poll)
        self.request_id, self.until = request_id, until
        self._told: dict[str, str] = {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until it ended or has to."""
        look = await self._ended(self.until)
        if look is not None:
            yield TriggerEvent(self._event(look.state, "\n".join(look.messages)))
            return
        why = await self._give_up()
        yield TriggerEvent(self._event(State.TIMED_OUT, why))

    async def on_kill(self) -> None:
        """Cancel: nobody waits for it any more."""
        await self._cancel("the task was ended by hand")

    async def _give_up(self) -> str:
        cancelled = await self._cancel("its time is up")
        look = await self._ended(time.time() + CANCEL_SECONDS) if cancelled else None
        if look is None:
            return "it took longer than the task allows, and may go on: it could not be cancelled"
        return f"it took longer than the task allows; cancelled, it ended as {look.state}"

    async def _cancel(self, reason: str) -> bool:
        self.log.info("cancelling refresh %s: %s", self.request_id, reason)
        try:
            await self.service.cancel(self.request_id)
        except RefreshError as error:
            self.log.warning("refresh %s was not cancelled: %s", self.request_id, error)
            return False
        return True

    async def _ended(self, until: float) -> Look | None:
        """The look that shows the end; None if there is none by `until`."""
        refused = 0
        while time.time() < until:
            wait = self.poll
            try:
                look = await self.service.look(self.request_id)
            except RefreshThrottled as error:
                wait = error.seconds
                self.log_once(f"{error}; it wants us to wait {wait:.0f} s")
            except RefreshRefused as error:
                # A refresh may not be in the history yet; one that stays away is not there.
                refused += 1
                if refused > 3:
                    return _lost(self.request_id, str(error))
                self.log_once(str(error))
            except RefreshAway as error:
                wait = min(self.poll, PATIENCE_SECONDS)
                self.log_once(f"{error}; trying on")
            else:
                refused = 0
                self._report(look)
                if not look.running:
                    return look
            await asyncio.sleep(min(wait, max(until - time.time(), 0)))
        return None

    def _report(self, look: Look) -> None:
        self.log_once(f"refresh {self.request_id}: {look.state}")
        for name, state in look.objects.items():
            if self._told.get(name) != state:
                self._told[name] = state
                self.log.info("  %s: %s", name, state)
        if not look.running:
            for message in look.messages:
                self.log.warning("  %s", message)

    def _event(self, state: State, why: str) -> dict[str, Any]:
        return {"request_id": self.request_id, "state": str(state), "why": why}


def _lost(request_id: str, why: str) -> Look:
    return Look(request_id, State.UNKNOWN, None, True, {}, (why,))
