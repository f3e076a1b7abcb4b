"""One feed's entrance: who may come in, how much, and what becomes of each item."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil
from time import time

from fastapi import Request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import ClientDisconnect

from vigie.contract.feed import Feed
from vigie.errors import BodyError, BrokerAway
from vigie.ingest import counts
from vigie.ingest.answers import Accepted, Answer, Refused, Rejected, refuse
from vigie.ingest.items import Item, take_apart
from vigie.ingest.keyring import Keyring
from vigie.ingest.publish import Publisher
from vigie.ingest.shape import Message, Wrong, make_check

LARGEST_BODY = 8 * 1024 * 1024
MOST_ITEMS = 10_000
_RETRY_AFTER = 5
_limiter = SlidingWindowCounterRateLimiter(MemoryStorage())


class _Turned(Exception):
    """The request goes no further; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Entrance:
    """Takes a feed's readings. `rate` is a key's limit, such as `20000/second`."""

    def __init__(self, feed: Feed, keyring: Keyring, *, rate: str) -> None:
        self.feed = feed
        self._keyring, self._rate = keyring, parse(rate)
        # More than the rate allows at once would be refused for ever.
        self._most = min(MOST_ITEMS, self._rate.amount)
        self._check = make_check(feed)
        self._publisher: Publisher | None = None

    async def take(self, request: Request) -> Answer:
        """Answer a request with readings."""
        try:
            key = await self._require_key(request)
            items = await self._items(request)
            self._require_rate(key, len(items))
            return await self._publish(items)
        except _Turned as turned:
            return turned.answer
        except ClientDisconnect:
            return refuse(400, "the body ended too early")

    def close(self) -> None:
        """Wait for the acknowledgements still due."""
        if self._publisher is not None:
            self._publisher.close()

    async def _require_key(self, request: Request) -> str:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        found = await self._keyring.find(secret.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            if secret and not self._keyring.fresh:
                raise _Turned(_later("the warehouse is away, so this key cannot be checked"))
            text = "expected a valid key: Authorization: Bearer KEY"
            raise _Turned(refuse(401, text, {"WWW-Authenticate": "Bearer"}))
        name, feeds = found
        if feeds and self.feed.name not in feeds:
            text = f"key {name!r} is for {', '.join(feeds)}, not for {self.feed.name}"
            raise _Turned(refuse(403, text))
        return name

    async def _items(self, request: Request) -> list[Item]:
        kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
        if kind.lower() != "application/json":
            raise _Turned(refuse(415, f"found content type {kind}, expected application/json"))
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise _Turned(refuse(413, f"at most {LARGEST_BODY} bytes are taken at once"))
        try:
            items = await asyncio.to_thread(take_apart, bytes(body))
        except BodyError as error:
            raise _Turned(refuse(400, str(error))) from error
        if len(items) > self._most:
            text = f"found {len(items)} readings, at most {self._most} are taken at once"
            raise _Turned(refuse(413, text))
        return items

    def _require_rate(self, key: str, items: int) -> None:
        if not _limiter.hit(self._rate, key, cost=max(items, 1)):
            wait = _limiter.get_window_stats(self._rate, key).reset_time - time()
            text = f"more than {self._rate} with key {key!r}; send the same again later"
            raise _Turned(refuse(429, text, {"Retry-After": str(max(ceil(wait), 1))}))

    async def _publish(self, items: Sequence[Item]) -> Answer:
        checked = await asyncio.to_thread(lambda: [self._check(item) for item in items])
        messages = [found for found in checked if isinstance(found, Message)]
        rejected = [
            Rejected(index=index, field=found.field, reason=found.reason)
            for index, found in enumerate(checked)
            if isinstance(found, Wrong)
        ]
        for found in checked:
            if isinstance(found, Wrong):
                counts.rejected.labels(self.feed.name, found.kind).inc()
        if not messages:
            body = Refused(detail="no reading was taken", rejected=rejected)
            return Answer(body.model_dump(), 422)
        if self._publisher is None or self._publisher.broken:
            self._publisher = Publisher(self.feed)
        try:
            with counts.acknowledge_seconds.labels(self.feed.name).time():
                await self._publisher.send(messages)
        except BrokerAway as error:
            return _later(str(error))
        counts.accepted.labels(self.feed.name).inc(len(messages))
        return Answer(Accepted(accepted=len(messages), rejected=rejected).model_dump(), 202)


def _later(reason: str) -> Answer:
    text = f"{reason}. Send the same again: a reading that was taken already does not count twice"
    return refuse(503, text, {"Retry-After": str(_RETRY_AFTER)})
