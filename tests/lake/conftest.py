from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from tests.lake.topics import Topic
from tests.services import environment
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.warehouse.engines import get_engine


@pytest.fixture
def lake(warehouse: Engine, broker: str, tmp_path: Path) -> Iterator[Path]:
    """An empty lake, a warehouse of the test's own and the shared broker."""
    with environment(VIGIE_LAKE=str(tmp_path / "lake"), VIGIE_KAFKA=broker):
        yield tmp_path / "lake"
        get_engine().dispose()


@pytest.fixture
def topic(lake: Path) -> Topic:
    """A topic of the test's own, in the shape of a shipped feed."""
    feed = next(iter(load_feeds().values()))
    return Topic(as_named(feed, f"t{uuid4().hex[:12]}"))


def as_named(feed: Feed, name: str) -> Feed:
    from dataclasses import replace

    return replace(feed, feed=name)
