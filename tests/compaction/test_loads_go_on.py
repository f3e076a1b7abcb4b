"""A stream stores late readings into the very months that are being rewritten."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread

import numpy as np
import pytest
from sqlalchemy import Engine, update

from tests.compaction.conftest import START, count, tell_statistics
from tests.warehouse.random_readings import random_split
from tests.warehouse.test_store import batch, new_store
from vigie.compaction.run import compact_feed
from vigie.contract.loader import load_feeds
from vigie.reconciliation.reconcile import reconcile
from vigie.warehouse.feed_tables import feed_tables

pytestmark = pytest.mark.warehouse

FEED = next(iter(load_feeds().values()))
ROWS = 200


class Stream(Thread):
    """Stores a batch after the other until it is told to stop."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.enough, self.stored, self.error = Event(), 0, None
        self._store = new_store(engine, FEED)

    def run(self) -> None:
        rng = np.random.default_rng(5)
        try:
            while not self.enough.is_set():
                begin = self.stored * ROWS
                span = timedelta(days=4)
                split = random_split(FEED, rng, START, span, count=ROWS, offset=begin)
                self._store.store(batch(split, begin=begin))
                self.stored += 1
        except Exception as error:
            self.error = error
        finally:
            self._store.close()


def test_nothing_is_lost_or_doubled_beside_rewrites(
    warehouse: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigie.compaction.policy.LEAST_DEAD", 10)
    reading, stream = feed_tables(FEED).reading, Stream(warehouse)
    stream.start()
    steps: set[str] = set()
    try:
        while stream.stored < 3 and stream.is_alive():
            stream.enough.wait(0.05)
        for _ in range(3):
            with warehouse.begin() as connection:
                # Beside the stream's own statements: every row of these months gets a dead one.
                connection.execute(update(reading).values(is_late=True))
                tell_statistics(connection)
            steps |= {one.steps[0] for one in compact_feed(FEED, person="tests")}
        before = stream.stored
        while stream.stored < before + 2 and stream.is_alive():
            stream.enough.wait(0.05)
    finally:
        stream.enough.set()
        stream.join()

    assert stream.error is None
    assert "rewrite" in steps
    account = reconcile(FEED, warehouse, patience=0.1)
    assert account.unaccounted == ()
    assert count(warehouse, reading) == sum(part.stored for part in account.partitions)
    assert sum(part.read for part in account.partitions) == stream.stored * ROWS
