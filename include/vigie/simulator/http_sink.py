"""Sends messages to the ingest API, a batch at a time, each until it is answered."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import (
    RetryCallState,
    before_sleep_log,
    retry,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)

from vigie.contract.feed import Feed
from vigie.errors import IngestError

_BATCH = 500
_BATCH_BYTES = 256 * 1024
_GIVE_UP = 600.0
_LATER = (429, 503)
_ACCEPTED, _NONE_ACCEPTED = 202, 422
_MOST_PATIENCE = 120.0

log = logging.getLogger(__name__)


class _Later(Exception):
    """The same batch again, after a pause: sending twice is safe, since copies do not count."""

    def __init__(self, told: str, pause: float | None = None) -> None:
        super().__init__(told)
        self.pause = pause


class HttpSink:
    """Posts JSON arrays to `<to>/v1/readings/<feed>` with an API key."""

    def __init__(self, feed: Feed, *, to: str, key: str, rate: float | None) -> None:
        self.acknowledged = 0
        self.rejected = 0
        self._url = f"{to.rstrip('/')}/v1/readings/{feed.name}"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._client = httpx.Client(headers=headers, timeout=30)
        self._pause = 1 / rate if rate else 0.0
        self._due = time.monotonic()
        self._kept: list[bytes] = []
        self._size = 0

    def send(self, key: bytes, value: bytes) -> None:
        """Keep one message for the next batch; a full batch leaves at once.

        Raises:
            IngestError: The API refused the batch, or did not take it for ten minutes.
        """
        del key  # The API takes the sensor from the message.
        if self._pause:
            self._wait_for_turn()
        self._kept.append(value)
        self._size += len(value)
        if len(self._kept) >= _BATCH or self._size >= _BATCH_BYTES:
            self.rest()

    def rest(self) -> None:
        """Send what is kept."""
        if self._kept:
            batch, self._kept, self._size = self._kept, [], 0
            refused = self._post(b"[" + b",".join(batch) + b"]")
            self.rejected += refused
            self.acknowledged += len(batch) - refused

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what is left, unless sending failed already."""
        try:
            if error is None:
                self.rest()
        finally:
            self._client.close()

    def _post(self, body: bytes) -> int:
        """Have a batch answered; returns how many of it were rejected."""
        try:
            return self._answered(body)
        except _Later as last:
            message = f"{self._url}: no batch taken for {_GIVE_UP:.0f} s; last: {last}"
            raise IngestError(message) from last

    @retry(
        retry=retry_if_exception_type(_Later),
        wait=lambda state: _pause(state),
        stop=stop_after_delay(_GIVE_UP),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    def _answered(self, body: bytes) -> int:
        try:
            reply = self._client.post(self._url, content=body)
        except httpx.TransportError as error:
            raise _Later(f"{type(error).__name__}: {error}") from error
        if reply.status_code in _LATER:
            raise _Later(f"answer {reply.status_code}", _asked_pause(reply))
        if reply.status_code in (_ACCEPTED, _NONE_ACCEPTED):
            return len(_rejections(reply))
        message = f"{self._url}: found answer {reply.status_code}, expected 202: {reply.text[:300]}"
        raise IngestError(message)

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        if now < self._due:
            if self._due - now > 0.2:
                self.rest()
            time.sleep(max(self._due - time.monotonic(), 0))
        self._due = max(self._due, now - 1) + self._pause


def _pause(state: RetryCallState) -> float:
    """What the API asks for, else longer each time."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Later) and error.pause is not None:
        return error.pause
    return float(wait_exponential_jitter(multiplier=0.5, max=30)(state))


def _asked_pause(reply: httpx.Response) -> float | None:
    try:
        return min(max(float(reply.headers["Retry-After"]), 0), _MOST_PATIENCE)
    except (KeyError, ValueError):
        return None


def _rejections(reply: httpx.Response) -> list[Any]:
    try:
        rejected = reply.json()["rejected"]
    except (ValueError, KeyError, TypeError):
        rejected = None
    if not isinstance(rejected, list):
        message = (
            f"{reply.url}: found answer {reply.status_code} without a list `rejected`: "
            f"{reply.text[:300]}. Is this Vigie's ingest API?"
        )
        raise IngestError(message)
    return rejected
