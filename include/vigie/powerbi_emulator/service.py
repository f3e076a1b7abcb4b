"""The state behind the emulated service: refreshes, one at a time, and what befalls them."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from vigie.powerbi_emulator.requests import RefreshRequest

KEPT = 100
"""How many refreshes the history goes back."""


@dataclass(frozen=True)
class Fate:
    """How a refresh ends, in the words of `extendedStatus`, after how many seconds, and why."""

    ends: str = "Completed"
    seconds: float = 0.0
    messages: tuple[dict[str, str], ...] = ()


@dataclass
class Refresh:
    """One refresh; it ends when somebody looks after its time is up."""

    request: RefreshRequest
    fate: Fate
    request_id: str = field(default_factory=lambda: str(uuid4()))
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    ends: str = "InProgress"

    @property
    def running(self) -> bool:
        """Whether it goes on; ends it if its time is up."""
        elapsed = (datetime.now(UTC) - self.started_at).total_seconds()
        if self.ended_at is None and elapsed >= self.fate.seconds:
            self.end(self.fate.ends)
        return self.ended_at is None

    def end(self, ends: str) -> None:
        """Let it end."""
        self.ends, self.ended_at = ends, datetime.now(UTC)


class Service:
    """One workspace with one dataset, its application's secret, and its troubles to come."""

    def __init__(self, *, client_id: str, secret: str, group: str, dataset: str) -> None:
        self.client_id, self.secret = client_id, secret
        self.group, self.dataset = group, dataset
        self.usual = Fate()
        self.fates: deque[Fate] = deque()
        """How the next refreshes end; then as `usual`."""
        self.refreshes: deque[Refresh] = deque(maxlen=KEPT)
        """Newest first."""
        self.asked: list[tuple[str, str]] = []
        """Method and last part of the path of every request, in order."""
        self.troubles: deque[tuple[int, dict[str, str], dict[str, Any]]] = deque()
        """Status, headers and body with which the next requests are answered instead."""
        self._tokens: set[str] = set()
        self._lock = threading.Lock()

    def new_token(self) -> str:
        """A bearer token that holds until `expire_tokens`."""
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return token

    def holds(self, token: str) -> bool:
        """Whether a token is one of ours and has not expired."""
        return token in self._tokens

    def expire_tokens(self) -> None:
        """Let every token given until now expire."""
        self._tokens.clear()

    def throttle(self, times: int, seconds: int) -> None:
        """Answer the next requests with 429."""
        body = {"message": f"You have exceeded the amount of requests. Try in {seconds} seconds."}
        self.troubles.extend([(429, {"Retry-After": str(seconds)}, body)] * times)

    def start(self, request: RefreshRequest) -> Refresh | None:
        """Begin a refresh; None while another runs."""
        with self._lock:
            if self.refreshes and self.refreshes[0].running:
                return None
            fate = self.fates.popleft() if self.fates else self.usual
            refresh = Refresh(request, fate)
            self.refreshes.appendleft(refresh)
            return refresh

    def find(self, request_id: str) -> Refresh | None:
        """A refresh by its id."""
        return next((one for one in self.refreshes if one.request_id == request_id), None)

    def wait_for_start(self, count: int = 1, seconds: float = 10.0) -> Refresh:
        """The newest refresh, once there are so many.

        Raises:
            TimeoutError: There are fewer still.
        """
        until = time.monotonic() + seconds
        while len(self.refreshes) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.refreshes)} refreshes after {seconds} s")
            time.sleep(0.02)
        return self.refreshes[0]
