"""A stream whose warehouse is spoken to as SQL Server: parse, commit, report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from sqlalchemy import Engine, text

from tests.readings import APPENDED, encoded
from tests.warehouse.test_store import new_store, totals
from vigie.contract.loader import load_feeds
from vigie.streaming.assemble import judge
from vigie.streaming.commit import Batch
from vigie.streaming.split import split
from vigie.warehouse.engines import get_engine
from vigie.warehouse.ledger import OffsetRange

pytestmark = [pytest.mark.spark, pytest.mark.dialects("mssql")]

SCHEMA = "partition int, offset long, timestamp timestamp, value binary"
FIRST, SECOND = 30, 20


def test_a_stream_switched_to_sql_server_is_stored_and_reported(
    warehouse: Engine, spark: SparkSession, tmp_path: Path
) -> None:
    feed = load_feeds()["fleet"]
    store = new_store(warehouse, feed)
    for begin, count in ((0, FIRST), (FIRST, SECOND)):
        rows = [
            (0, begin + i, APPENDED, bytearray(_message(feed, begin + i))) for i in range(count)
        ]
        spark.createDataFrame(rows, SCHEMA).coalesce(1).write.mode("append").parquet(
            str(tmp_path / "topic")
        )

    def commit(batch: DataFrame, number: int) -> None:
        judged = batch.toArrow()
        offsets = judged["kafka_offset"].to_pylist()
        part = OffsetRange("topic", 0, min(offsets), max(offsets) + 1)
        store.store(Batch([part], {0: len(offsets)}, split(judged, feed)))

    topic = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    stream = judge(topic.parquet(str(tmp_path / "topic")), feed).writeStream.foreachBatch(commit)
    query = stream.option("checkpointLocation", str(tmp_path / "scratch"))
    query.trigger(availableNow=True).start().awaitTermination(200)
    store.close()

    counted = totals(warehouse, feed)
    assert (counted["read"], counted["stored"], counted["quarantined"]) == (50, 49, 1)
    with get_engine("reader").connect() as connection:
        latest = connection.execute(text("SELECT sensor, event_time FROM report.fleet_latest"))
        newest = APPENDED - timedelta(seconds=1)
        assert latest.all() == [("s-1", newest.replace(tzinfo=None))]
        reasons = connection.execute(text("SELECT reason FROM report.quarantine"))
        assert reasons.scalars().all() == ["malformed"]


def _message(feed, number: int) -> bytes:
    if number == 7:
        return b"no reading"
    at = APPENDED - timedelta(seconds=50) + timedelta(seconds=number)
    return encoded(feed, **{feed.event_time: at.isoformat()})
