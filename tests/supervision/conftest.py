from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.supervision.spark_master import BookkeepingMaster
from tests.warehouse.streams import change_launch, claim, heartbeat
from vigie.contract.loader import load_feeds
from vigie.supervision.desire import start_if_new
from vigie.supervision.states import State
from vigie.supervision.watch import Watcher
from vigie.warehouse.types import UtcNow


@pytest.fixture
def engine(warehouse: Engine) -> Engine:
    return warehouse


@pytest.fixture
def feed() -> str:
    return next(iter(load_feeds()))


@pytest.fixture
def master() -> BookkeepingMaster:
    return BookkeepingMaster()


@pytest.fixture
def watcher(engine: Engine, feed: str, master: BookkeepingMaster) -> Watcher:
    return Watcher(feed, engine=engine, master=master.client())


@pytest.fixture
def running(engine: Engine, feed: str, watcher: Watcher) -> Watcher:
    """A stream whose first launch was claimed, beats and has committed."""
    start_if_new(engine, feed, person="somebody")
    watcher.poll()
    claim(engine, feed, 1)
    change_launch(engine, feed, 1, first_commit_at=UtcNow())
    heartbeat(engine, feed, 1)
    assert watcher.poll().health.state is State.RUNNING
    return watcher
