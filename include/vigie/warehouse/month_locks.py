"""The one lock per feed and month, for whoever compacts, restates or expires it.

A stream does not take it: its batches go on, and the database orders them with the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine

from vigie.warehouse.dialects import open_warehouse

_PAUSE = 0.5


@contextmanager
def hold_months(
    engine: Engine, owner: str, days: Iterable[date], *, patience: float = 0
) -> Iterator[bool]:
    """Hold the months of `days` for the block; False, and nothing is held, where others do.

    Args:
        engine: The warehouse.
        owner: The feed.
        days: Any days of the months.
        patience: Seconds to wait for others.
    """
    names = sorted({f"month {owner} {day:%Y-%m}" for day in days})
    deadline = time.monotonic() + patience
    while True:
        with open_warehouse(engine).hold(*names) as held:
            if held or time.monotonic() >= deadline:
                yield held
                return
        time.sleep(_PAUSE)
