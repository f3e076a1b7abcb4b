"""Kafka records to columns: one `from_json` per record, times in UTC with millisecond resolution.

Every column the later steps need is computed here or from here; nothing is filtered, because a
filter on a parsed column makes Spark parse the JSON once for every field it mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Union, cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from vigie.contract.feed import Feed

Tree = dict[str, Union[T.DataType, "Tree"]]

_TYPES: dict[str, T.DataType] = {
    "float": T.DoubleType(),
    "integer": T.LongType(),
    "boolean": T.BooleanType(),
}
MESSAGE = "_message"
"""The parsed struct; no field of a contract can have this name."""
_CORRUPT = "_corrupt"
_FARTHEST = 9 * 10**15
"""Milliseconds from the epoch, some 285,000 years."""
_JSON = {"columnNameOfCorruptRecord": _CORRUPT, "allowNonNumericNumbers": "false"}


def json_schema(feed: Feed) -> T.StructType:
    """The Spark schema of the feed's messages; dotted paths become nested structs."""
    leaves: list[tuple[str, T.DataType]] = [
        (feed.sensor, T.StringType()),
        (feed.event_time, T.StringType()),
    ]
    leaves += [(field.path, _TYPES[field.type]) for field in feed.fields.values()]
    if feed.position:
        leaves += [(feed.position.latitude, T.DoubleType())]
        leaves += [(feed.position.longitude, T.DoubleType())]
    if feed.status:
        leaves += [(feed.status.field, T.StringType())]
    tree: Tree = {}
    for path, kind in leaves:
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            node = cast(Tree, node.setdefault(parent, {}))
        node[leaf] = kind
    return _struct(tree).add(_CORRUPT, T.StringType())


def _struct(tree: Tree) -> T.StructType:
    struct = T.StructType()
    for name, kind in tree.items():
        struct.add(name, _struct(kind) if isinstance(kind, dict) else kind)
    return struct


def parse(records: DataFrame, feed: Feed, *, carry: Sequence[str] = ()) -> DataFrame:
    """Parse Kafka records (columns of Spark's Kafka source) into columns of the feed.

    `carry` names further columns of `records` that the result keeps.

    Returns:
        The record's coordinates, append time and `raw` bytes, `MESSAGE` (the parsed struct),
        `sensor`, `event_time` (null where unreadable), the fields by name, `latitude`,
        `longitude` and `status` where the contract has them.
    """
    # What from_json reads is evaluated without generated code, so it is kept to what must be there;
    # bytes that are no UTF-8 it replaces, and `is_json` says so.
    text = F.when(F.length("value") <= feed.kafka.max_message, F.col("value").cast("string"))
    parsed = records.select(
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("append_time"),
        F.col("value").alias("raw"),
        F.from_json(text, json_schema(feed), _JSON).alias("message"),
        *carry,
    )
    values = [_at(field.path).alias(name) for name, field in feed.fields.items()]
    if feed.position:
        values += [_at(feed.position.latitude).alias("latitude")]
        values += [_at(feed.position.longitude).alias("longitude")]
    if feed.status:
        values += [_at(feed.status.field).alias("status")]
    return parsed.select(
        *("kafka_partition", "kafka_offset", "append_time", "raw", *carry),
        F.col("message").alias(MESSAGE),
        (_is_object() & F.col(f"message.{_CORRUPT}").isNull()).alias("is_json"),
        _at(feed.sensor).alias("sensor"),
        _at(feed.event_time).alias("event_time_text"),
        _event_time(_at(feed.event_time)).alias("event_time"),
        *values,
    )


def readable_message() -> Column:
    """The parsed struct of a record that is one JSON object, else null."""
    return F.when(F.col("is_json"), F.col(MESSAGE).dropFields(_CORRUPT))


def _at(path: str) -> Column:
    return F.col("message." + ".".join(f"`{part}`" for part in path.split(".")))


def _is_object() -> Column:
    """One message is one object: Spark would take the first of an array and drop the others."""
    # Bytes are compared first, since few messages have blanks around them. A CASE and not an OR:
    # of that Spark would trim, and so copy, every message beforehand.
    raw, blank = F.col("raw"), F.lit(" \t\r\n")
    bare = (F.substring(raw, 1, 1) == F.lit(b"{")) & (F.substring(raw, -1, 1) == F.lit(b"}"))
    text = F.trim(raw.cast("string"), blank)
    braces = F.when(bare, True).otherwise(text.startswith("{") & text.endswith("}"))
    return F.col("message").isNotNull() & F.is_valid_utf8(raw) & braces


def _event_time(text: Column) -> Column:
    """Epoch milliseconds, or ISO 8601 with an offset; anything else is null.

    Spark's cast alone would read times without an offset as UTC, and dates as midnight.
    """
    offset = reduce(Column.__or__, (F.substring(text, at, 1).isin("+", "-") for at in (-6, -5, -3)))
    has_offset = (F.length(text) >= len("2026-01-01T00:00Z")) & (text.endswith("Z") | offset)
    # A year has four to seven places. A cast that fails costs an exception, so no date is tried as
    # a number.
    dash = F.instr(text, "-")
    number = text.try_cast("bigint")
    # Beyond this the arithmetic of timestamps overflows, which would fail the whole batch.
    bounded = F.greatest(F.lit(-_FARTHEST), F.least(number, F.lit(_FARTHEST)))
    time = F.when(dash.between(5, 8) & has_offset, text.try_cast("timestamp")).when(
        (dash <= 1) & number.isNotNull(), F.timestamp_millis(bounded)
    )
    return F.timestamp_millis(F.unix_millis(time))
