"""Whatever is in a topic: no batch fails, and every message is stored or in quarantine."""

from __future__ import annotations

from itertools import count as numbers

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select

from tests.readings import APPENDED
from tests.restatement.pool import judged, run_stream
from tests.spark.fuzz import fuzzed
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.reconciliation.reconcile import reconcile
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

FEEDS = list(load_feeds().values())
A_TIME = 40


@pytest.mark.parametrize(
    "count",
    [400, pytest.param(40_000, marks=[pytest.mark.campaign, pytest.mark.timeout(3600)])],
)
@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_every_message_is_accounted_for(
    spark: SparkSession, warehouse: Engine, feed: Feed, count: int
) -> None:
    made = messages(feed, count)
    records = judged(spark, feed, [(APPENDED, value) for value in made])
    assert records["kafka_offset"].to_pylist() == list(range(count))

    stream = run_stream(warehouse, feed, records, np.random.default_rng(count), most=count // 8)

    account = reconcile(feed, warehouse, patience=0.1)
    assert account.unaccounted == ()
    (part,) = account.partitions
    assert part.read == count
    assert part.stored > 0
    assert part.quarantined > 0
    assert_plausible(warehouse, feed)
    stream.store.close()


def messages(feed: Feed, count: int) -> list[bytes]:
    """So many that differ, the same each time; drawn in lists, as each example has its cost."""
    found: dict[bytes, None] = {}

    @settings(
        max_examples=20,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(fuzzed(feed), min_size=A_TIME, max_size=A_TIME))
    def draw(some: list[bytes]) -> None:
        found.update(dict.fromkeys(some))

    for number in numbers():
        if len(found) >= count:
            return list(found)[:count]
        seed(number)(draw)()
    raise AssertionError


def assert_plausible(engine: Engine, feed: Feed) -> None:
    """What was stored is what the contract allows, and every reason is one."""
    table = feed_tables(feed).reading
    with engine.connect() as connection:
        rows = connection.execute(select(table)).mappings().all()
        reasons = connection.execute(
            select(core.quarantine.c.reason, core.quarantine.c.detail)
        ).all()
    for row in rows:
        assert feed.oldest_time <= row["event_time"] <= APPENDED + feed.clock_skew
        for name, field in feed.fields.items():
            value = row[name]
            if value is not None and field.valid:
                assert field.valid[0] <= value <= field.valid[1], (name, value)
    assert all(reason and detail for reason, detail in reasons)
