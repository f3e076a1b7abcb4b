"""Kafka records as rows of the lake: as they came, with coordinates, and parsed for readers.

The parse is the stream's own. A day is given only to a record that is a reading whose time the feed
takes, so that a day's readings lie in its partition or in `unparsed`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from vigie.contract.feed import Feed
from vigie.lake.place import DAY, UNPARSED
from vigie.streaming.check import time_is_accepted
from vigie.streaming.parse import parse, readable_message
from vigie.streaming.session import kafka_options
from vigie.warehouse.ledger import OffsetRange


def read_ranges(spark: SparkSession, feed: Feed, ranges: Sequence[OffsetRange]) -> DataFrame:
    """Exactly these ranges of the feed's topic, in the columns of Spark's Kafka source."""
    return (
        spark.read.format("kafka")
        .options(**kafka_options(feed))
        .option("assign", json.dumps({feed.topic: [part.partition for part in ranges]}))
        .option("startingOffsets", _offsets(feed, {p.partition: p.begin for p in ranges}))
        .option("endingOffsets", _offsets(feed, {p.partition: p.end for p in ranges}))
        .option("includeHeaders", "true")
        .load()
    )


def _offsets(feed: Feed, offsets: dict[int, int]) -> str:
    return json.dumps({feed.topic: {str(part): offset for part, offset in offsets.items()}})


def lake_rows(
    records: DataFrame, feed: Feed, topic_id: str, stored: T.StructType | None
) -> DataFrame:
    """The records as rows of the lake.

    `stored` is the table's schema, None before the first append: a field whose type the contract
    changed since keeps the lake's, null where it does not fit. The raw bytes have the truth.
    """
    # No field of a contract can have these names.
    records = records.withColumnsRenamed({"key": "_key", "headers": "_headers"})
    parsed = parse(records, feed, carry=("_key", "_headers"))
    message = readable_message()
    schema = parsed.select(message.alias("message")).schema["message"].dataType
    if stored is not None and "message" in stored.fieldNames():
        message = _fitted(message, schema, stored["message"].dataType)
    day = F.date_format("event_time", "yyyy-MM-dd")
    return parsed.select(
        F.lit(topic_id).alias("topic_id"),
        *("kafka_partition", "kafka_offset", "append_time", "raw"),
        *(F.col("_key").alias("key"), F.col("_headers").alias("headers")),
        *("sensor", "event_time"),
        message.alias("message"),
        F.when(time_is_accepted(feed), day).otherwise(UNPARSED).alias(DAY),
    )


def _fitted(value: Column, ours: T.DataType, theirs: T.DataType) -> Column:
    """`value` with the types that the lake has for the fields both know."""
    if isinstance(ours, T.StructType) and isinstance(theirs, T.StructType):
        known = {field.name.lower(): field.dataType for field in theirs}
        fields = [
            _fitted(
                value.getField(field.name),
                field.dataType,
                known.get(field.name.lower(), field.dataType),
            ).alias(field.name)
            for field in ours
        ]
        return F.when(value.isNotNull(), F.struct(*fields))
    if ours == theirs:
        return value
    if isinstance(ours, T.StructType) or isinstance(theirs, T.StructType):
        return F.lit(None).cast(theirs)
    return value.try_cast(theirs)
