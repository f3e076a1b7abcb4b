"""The Spark session of a job on the lake."""

from __future__ import annotations

from pyspark.sql import SparkSession

from vigie.lake.spark_options import JAR_SETS, OPTIONS
from vigie.streaming.session import open_session


def open_lake_session(name: str) -> SparkSession:
    """A session that reads Kafka and reads and writes Delta.

    Raises:
        StackError: As `open_session`.
    """
    return open_session(name, sets=JAR_SETS, options=OPTIONS)
