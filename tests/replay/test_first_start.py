"""A stream makes the topic of a feed that never streamed, and never one that has vanished."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, insert

from tests.local_stack import wait_for
from tests.replay.stream import driver, failure, own_topic
from tests.services import forget_topic
from vigie.broker.offsets import read_topic
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.errors import TopicMissing
from vigie.warehouse import core

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]

BATCH = {
    **{"batch_no": 1, "launch": 1, "kafka_partition": 0, "begin_offset": 0, "end_offset": 5},
    **{"messages_read": 5, "stored": 5, "copies": 0, "conflicts": 0, "quarantined": 0},
    "control": 0,
}


def test_a_missing_topic_is_made_for_a_first_launch_alone(
    services: None, warehouse: Engine, spark: SparkSession
) -> None:
    feed = get_feed("environment")
    with own_topic(feed):
        with driver(warehouse, feed) as codes:
            wait_for(lambda: topic_id(feed), "the topic to be made")
        assert codes == [0]
        read = {"feed": feed.name, "topic_id": topic_id(feed)} | BATCH
        with warehouse.begin() as connection:
            connection.execute(insert(core.ledger).values(read))
        forget_topic(feed)

        with driver(warehouse, feed, launch=2) as codes:
            wait_for(lambda: codes, "the launch to fail")

        assert codes == [1]
        assert failure(warehouse, feed) == "TopicMissing"
        assert topic_id(feed) is None


def topic_id(feed: Feed) -> str | None:
    try:
        return read_topic(feed.topic).topic_id
    except TopicMissing:
        return None
