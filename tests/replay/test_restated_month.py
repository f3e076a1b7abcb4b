"""A month of six real stations, streamed, then damaged, then restated from the lake."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, select, text

from tests.replay.stream import own_topic, replay, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.lake.archive import archive
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement.record import Why
from vigie.restatement.restate import restate_day
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [
    *(pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark),
    *(pytest.mark.campaign, pytest.mark.timeout(1800)),
]

FEED = "air_quality"
DAYS = [date(2016, 1, 1) + timedelta(days=n) for n in range(31)]
STATIONS = 6
IN_MONTH = "event_time >= '2016-01-01T00:00:00Z' AND event_time < '2016-02-01T00:00:00Z'"
EXACT = ("reading", "alert")


def test_a_restated_month_has_identical_rows(
    services: None, warehouse: Engine, spark: SparkSession, shared_data: Path
) -> None:
    feed = get_feed(FEED)
    files = sorted((shared_data / "air_quality").glob("PRSA_Data_*.csv.gz"))
    assert len(files) == STATIONS
    with own_topic(feed):
        sent = replay(feed, files)
        store_all(warehouse, feed, sent)
        archive(spark, feed)
        before = rows(warehouse, feed)
        month = [pd.Timestamp(day, tz="UTC") for day in ("2016-01-01", "2016-02-01")]
        counted = before["reading"]["event_time"].between(*month, inclusive="left")
        assert 0.95 * 31 * 24 * STATIONS < counted.sum() < 31 * 24 * STATIONS, "real gaps are few"

        untouched = [restate_day(spark, feed, day, Why("test", "nothing")) for day in DAYS]

        assert {(done.came, done.went, done.changed) for done in untouched} == {(0, 0, 0)}
        assert_same(rows(warehouse, feed), before, exact=(*EXACT, "pane"))

        removed, changed = damage(warehouse, feed)
        repaired = [restate_day(spark, feed, day, Why("test", "repair")) for day in DAYS]

        assert sum(done.came for done in repaired) == removed > 1000
        assert sum(done.changed for done in repaired) == changed > 1000
        assert_same(rows(warehouse, feed), before, exact=EXACT)
        assert reconcile(feed, warehouse, patience=5).unaccounted == ()


def damage(engine: Engine, feed: Feed) -> tuple[int, int]:
    """Lose a third of the month's readings, and falsify another; how many of each."""
    table = feed_tables(feed).reading.fullname
    with engine.begin() as connection:
        gone = connection.execute(
            text(f"DELETE FROM {table} WHERE {IN_MONTH} AND kafka_offset % 3 = 0")
        )
        wrong = connection.execute(
            text(
                f"UPDATE {table} SET co = coalesce(co, 0) + 1 "
                f"WHERE {IN_MONTH} AND kafka_offset % 3 = 1"
            )
        )
    return gone.rowcount, wrong.rowcount


def rows(engine: Engine, feed: Feed) -> dict[str, pd.DataFrame]:
    """Every reading, alert and pane of all four years, without batch numbers."""
    tables = feed_tables(feed)
    named = {"reading": tables.reading, "alert": core.alert, "pane": tables.pane}
    found = {}
    with engine.connect() as connection:
        for name, table in named.items():
            query = select(table).order_by(*table.primary_key.columns)
            frame = pd.read_sql(query, connection)
            found[name] = frame.drop(columns="batch_no", errors="ignore")
    return found


def assert_same(
    found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame], *, exact: tuple[str, ...]
) -> None:
    for name, frame in expected.items():
        # A sum that was computed anew may differ in the order of its terms.
        pd.testing.assert_frame_equal(
            found[name], frame, check_exact=name in exact, rtol=1e-9, obj=name
        )
