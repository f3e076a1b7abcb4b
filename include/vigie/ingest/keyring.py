"""The keys that hold, as the API remembers them."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from vigie.errors import first_line
from vigie.ingest.keys import hash_key, valid_keys

log = logging.getLogger(__name__)

FRESH = 5.0
"""Seconds between two readings of all keys."""
_PATIENCE_WITH_STRANGERS = 1.0
_LONGEST = 5.0


class Keyring:
    """Reads all keys at once and keeps them: a warehouse that is away locks out no known device.

    A known key never waits for the warehouse. `keep_fresh` runs beside the requests.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._keys: dict[str, tuple[str, tuple[str, ...]]] | None = None
        self._read_at = self._asked_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        """Whether the keys were read at least once."""
        return self._keys is not None

    @property
    def fresh(self) -> bool:
        """Whether the warehouse gave them lately."""
        return monotonic() - self._read_at < 3 * FRESH

    async def find(self, key: str) -> tuple[str, tuple[str, ...]] | None:
        """Name and feeds (none: all) of a key; None if it does not hold."""
        hashed = hash_key(key)
        if hashed not in (self._keys or {}):
            # It may have been made just now. Strangers wait, so that many cost no more than one.
            await asyncio.sleep(self._asked_at + _PATIENCE_WITH_STRANGERS - monotonic())
            await self.refresh(_PATIENCE_WITH_STRANGERS)
        return (self._keys or {}).get(hashed)

    async def keep_fresh(self) -> None:
        """Read the keys again and again, until cancelled."""
        while True:
            await self.refresh(0)
            await asyncio.sleep(FRESH)

    async def refresh(self, older_than: float) -> None:
        """Read the keys again if they were last asked for longer ago than that, in seconds."""
        if self._reading is None or self._reading.done():
            if monotonic() - self._asked_at < older_than:
                return
            self._asked_at = monotonic()
            self._reading = asyncio.create_task(self._read())
        # One that hangs in a frozen database is not joined by others.
        await asyncio.wait({self._reading}, timeout=_LONGEST)

    async def _read(self) -> None:
        try:
            self._keys = await asyncio.to_thread(valid_keys, self._engine)
            self._read_at = monotonic()
        except SQLAlchemyError as error:
            self._read_at = float("-inf")
            log.warning("keys: the warehouse does not answer: %s", first_line(error))
