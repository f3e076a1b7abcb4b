"""One restatement, or replay, of a feed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import RestatementBusy
from vigie.warehouse.dialects import open_warehouse


@contextmanager
def turn(engine: Engine, feed: Feed) -> Iterator[None]:
    """Hold the feed's turn for the block.

    Raises:
        RestatementBusy: Another process has it.
    """
    with open_warehouse(engine).hold(f"restatement {feed.name}") as held:
        if not held:
            message = f"{feed.name}: another process restates it; nothing was done"
            raise RestatementBusy(message)
        yield
