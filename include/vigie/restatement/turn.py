"""One restatement, or replay, of a feed at a time, and none in a month that is being compacted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import RestatementBusy
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.month_locks import hold_months

_PATIENCE = 600
"""Seconds to wait for a compaction, which has a month for seconds or minutes."""


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


@contextmanager
def months_of(engine: Engine, feed: Feed, days: Iterable[date]) -> Iterator[None]:
    """Keep compaction and retention out of the months of `days` for the block.

    Raises:
        RestatementBusy: One of them did not end in time.
    """
    days = list(days)
    with hold_months(engine, feed.name, days, patience=_PATIENCE) as held:
        if not held:
            named = ", ".join(sorted({f"{day:%Y-%m}" for day in days}))
            message = (
                f"{feed.name}: a compaction works on {named}, waited {_PATIENCE} s; nothing was "
                "done. See `vigie compaction list`"
            )
            raise RestatementBusy(message)
        yield
