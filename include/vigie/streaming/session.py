"""The Spark session of a driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pyspark
from pyspark.sql import DataFrame, SparkSession

from vigie.broker.login import jaas_entry, spark_settings
from vigie.contract.feed import Feed
from vigie.errors import StackError
from vigie.settings import get_settings

_ROWS_PER_ARROW_BATCH = 50_000


def open_session(
    name: str, *, sets: Sequence[str] = ("spark",), options: Mapping[str, str] | None = None
) -> SparkSession:
    """Open the session; a master and jars given by spark-submit win over the settings.

    `sets` names the folders of jars it needs; `options` are further settings of Spark's.

    Raises:
        StackError: Python's and the JVM's Spark differ, or jars are missing.
    """
    settings = get_settings()
    jars: list[Path] = []
    for folder in sets:
        found = sorted((settings.jars / folder).glob("*.jar"))
        if not found:
            message = f"no jars in {settings.jars / folder}; `vigie up` fetches them"
            raise StackError(message)
        jars += found
    # Workers would otherwise be whatever python3 the PATH has.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.appName(name)
        .config(map=dict(options or {}))
        .master(settings.spark_driver_master)
        .config("spark.jars", ",".join(map(str, jars)))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", _ROWS_PER_ARROW_BATCH)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.maxResultSize", "0")
        .getOrCreate()
    )
    _log_in_to_kafka(spark)
    spark.sparkContext.setLogLevel("WARN")
    if spark.version != pyspark.__version__:
        message = (
            f"pyspark is {pyspark.__version__}, its JVM runs Spark {spark.version}; "
            "pyspark and pyspark-client must be the same version"
        )
        raise StackError(message)
    return spark


def _log_in_to_kafka(spark: SparkSession) -> None:
    """Have the JVM read the login, and leave no file behind; every Kafka client in it uses it."""
    entry = jaas_entry()
    if not entry:
        return
    jvm: Any = spark._jvm
    login, system = "java.security.auth.login.config", jvm.java.lang.System
    with NamedTemporaryFile("w", suffix=".jaas") as file:  # its owner's alone
        file.write(entry)
        file.flush()
        # Else a `${…}` in a password would be taken for a property's name.
        jvm.java.security.Security.setProperty("policy.expandProperties", "false")
        system.setProperty(login, file.name)
        jvm.javax.security.auth.login.Configuration.getConfiguration().refresh()
        system.clearProperty(login)


def read_kafka(spark: SparkSession, feed: Feed, *, starting: str, max_rows: int) -> DataFrame:
    """The feed's topic as a stream that begins exactly at `starting`.

    Losing offsets stops the query: the next launch then names the gap.
    """
    return (
        spark.readStream.format("kafka")
        .options(**kafka_options(feed))
        .option("subscribe", feed.topic)
        .option("startingOffsets", starting)
        .option("maxOffsetsPerTrigger", max_rows)
        .load()
    )


def kafka_options(feed: Feed) -> dict[str, str]:
    """How Spark reads the feed's topic, whatever part of it: all that was committed, or none."""
    return {
        **spark_settings(),
        "kafka.isolation.level": (
            "read_committed" if feed.kafka.transactions else "read_uncommitted"
        ),
        # Spark asks the broker for the log's begin and end after every poll, and for its place.
        "kafka.max.poll.records": "20000",
        "failOnDataLoss": "true",
    }
