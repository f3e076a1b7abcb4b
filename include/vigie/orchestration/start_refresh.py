"""The trigger that gets a refresh started: it waits for its turn, and asks once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from vigie.errors import RefreshAway, RefreshBusy, RefreshError, RefreshThrottled
from vigie.orchestration.refresh_trigger import POLL_SECONDS, RefreshTrigger
from vigie.refresh.answers import State
from vigie.refresh.refusals import PATIENCE_SECONDS

if TYPE_CHECKING:
    from vigie.refresh.answers import Look

_DAY = timedelta(days=1)
_KEPT = (State.RUNNING, State.COMPLETED)


class StartRefresh(RefreshTrigger):
    """Asks for a refresh of a dataset, once no other runs and the day's budget has room.

    A refresh by API that began at or after `since` (seconds since 1970) and was not ours before
    (`not_ours`) is taken for the one asked for here: that is how a triggerer which died after it
    had asked goes on. Until `until` it waits for others to end. It tells `{"request_id": …}`,
    `{"left_out": …}` where the budget is spent, or `{"why": …}` where it failed.
    """

    arguments = ("body", "since", "until", "budget", "not_ours")

    def __init__(
        self,
        conn_id: str,
        group_id: str,
        dataset_id: str,
        body: Mapping[str, Any],
        since: float,
        until: float,
        budget: int = 0,
        not_ours: Sequence[str] = (),
        poll: float = POLL_SECONDS,
        **_: Any,
    ) -> None:
        # Unknown arguments come from newer code: a triggerer runs the old until its restart.
        super().__init__(conn_id, group_id, dataset_id, poll)
        self.body, self.since, self.until = dict(body), since, until
        self.budget, self.not_ours = budget, list(not_ours)
        self.request_id: str | None = None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the turn, ask, tell."""
        yield TriggerEvent(await self._started())

    async def on_kill(self) -> None:
        """Cancel what was asked for and not told of yet."""
        if self.request_id is not None:
            await self.service.cancel(self.request_id)

    async def _started(self) -> dict[str, Any]:
        why = "it never got its turn"
        while time.time() < self.until:
            try:
                found = await self._ask()
            except RefreshThrottled as error:
                why, wait = str(error), error.seconds
                self.log_once(f"{why}; it wants us to wait {wait:.0f} s")
            except (RefreshAway, RefreshBusy) as error:
                why, wait = str(error), min(self.poll, PATIENCE_SECONDS)
                self.log_once(f"{why}; trying on")
            except RefreshError as error:
                return {"why": str(error)}
            else:
                if found is not None:
                    return found
                why, wait = "another refresh of the dataset ran all the time", self.poll
            await asyncio.sleep(min(wait, max(self.until - time.time(), 0)))
        return {"why": f"the refresh could not be started in time: {why}"}

    async def _ask(self) -> dict[str, Any] | None:
        """What to tell; None while another refresh runs."""
        history = await self.service.history()
        mine = next((one for one in history if self._is_mine(one)), None)
        if mine is not None:
            self.log.info("going on with refresh %s, which began before", mine.request_id)
            return {"request_id": mine.request_id}
        other = next((one for one in history if one.running), None)
        if other is not None:
            self.log_once(f"refresh {other.request_id} runs; waiting for its end")
            return None
        spent = sum(_began_after(one, datetime.now(UTC) - _DAY) for one in history)
        if self.budget and spent >= self.budget:
            told = f"{spent} refreshes began in the last 24 hours, of {self.budget} allowed"
            return {"left_out": told}
        self.request_id = await self.service.start(self.body)
        self.log.info("refresh %s began: %s", self.request_id, self.body)
        return {"request_id": self.request_id}

    def _is_mine(self, one: Look) -> bool:
        since = datetime.fromtimestamp(self.since, UTC)
        other = one.request_id in self.not_ours or one.state not in _KEPT
        return one.by_api and not other and _began_after(one, since)


def _began_after(one: Look, moment: datetime) -> bool:
    return one.started_at is not None and one.started_at >= moment
