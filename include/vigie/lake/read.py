"""Records of the lake in the shape of Spark's Kafka source, for recomputing a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from vigie.contract.feed import Feed
from vigie.errors import LakeError
from vigie.lake.place import DAY, lake_uri, open_table, partition_of

KAFKA_COLUMNS = {
    "partition": "kafka_partition",
    "offset": "kafka_offset",
    "timestamp": "append_time",
    "key": "key",
    "value": "raw",
    "headers": "headers",
    "topic_id": "topic_id",
}
"""Columns of Spark's Kafka source, and what the lake calls them; `topic_id` is added."""


def read_days(spark: SparkSession, feed: Feed, days: Iterable[date | None]) -> DataFrame:
    """All records of these days as they came; the day None stands for `unparsed`.

    A day's readings lie under the day or, where the contract of their time refused them or could
    not read them, under None: recomputing a day reads both.

    Raises:
        LakeError: Nothing of the feed was archived yet.
    """
    if open_table(feed.name) is None:
        message = f"{lake_uri(feed.name)}: nothing was archived yet. Run the DAG archive_feeds"
        raise LakeError(message)
    rows = spark.read.format("delta").load(lake_uri(feed.name))
    chosen = rows.where(F.col(DAY).isin([partition_of(day) for day in days]))
    return chosen.select(*(F.col(ours).alias(name) for name, ours in KAFKA_COLUMNS.items()))
