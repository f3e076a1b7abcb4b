"""Real files by their recipes, through broker, Spark and warehouse: every row where it belongs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pyspark.sql import SparkSession
from sqlalchemy import Engine, text

from tests.replay.real_files import FILES, RealFile
from tests.replay.stream import own_topic, replay, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.reconciliation.reconcile import reconcile

pytestmark = [
    *(pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark),
    pytest.mark.timeout(900),
]

KEY = ["sensor", "event_time"]
long = pytest.mark.campaign


@pytest.mark.parametrize(
    "file", [pytest.param(f, id=f.name, marks=[long] if f.long else []) for f in FILES]
)
def test_every_row_of_the_file_is_accounted_for(
    file: RealFile, services: None, warehouse: Engine, spark: SparkSession, shared_data: Path
) -> None:
    feed = get_feed(file.feed)
    paths = sorted(shared_data.glob(file.pattern))
    expected = file.read(paths)
    with own_topic(feed):
        sent = replay(feed, paths)
        store_all(warehouse, feed, sent)

        account = reconcile(feed, warehouse, patience=5)

    assert account.unaccounted == ()
    totals = {
        name: sum(getattr(part, name) for part in account.partitions)
        for name in ("read", "stored", "copies", "conflicts", "quarantined")
    }
    conflicts = file.quarantined.get("conflicting_copy", 0)
    assert totals == {
        "read": len(expected),
        "stored": file.stored,
        "copies": 0,
        "conflicts": conflicts,
        "quarantined": sum(file.quarantined.values()) - conflicts,
    }
    stored = expected[expected["reason"].isna()]
    assert_stored(warehouse, feed, stored.drop(columns="reason"))
    refused = expected.dropna(subset="reason")
    assert refused["reason"].value_counts().to_dict() == file.quarantined
    assert_quarantined(warehouse, feed, refused[[*KEY, "reason"]])
    assert_alerts(warehouse, feed, stored, file.alerts)


def assert_stored(engine: Engine, feed: Feed, expected: pd.DataFrame) -> None:
    columns = [name for name in expected.columns if name not in KEY]
    query = f"SELECT sensor, event_time, {', '.join(columns)} FROM report.{feed.name}_reading"
    found = read(engine, query)
    assert_same(found, expected[[*KEY, *columns]])


def assert_quarantined(engine: Engine, feed: Feed, expected: pd.DataFrame) -> None:
    query = (
        "SELECT sensor, event_time, reason, detail FROM report.quarantine "
        f"WHERE feed = '{feed.name}'"
    )
    found = read(engine, query)
    assert (found["detail"].str.len() >= 10).all(), "each says what was found"
    assert_same(found.drop(columns="detail"), expected)


def assert_alerts(engine: Engine, feed: Feed, stored: pd.DataFrame, counts: dict[str, int]) -> None:
    """The contract's rules, evaluated by pandas, flag the same rows."""
    flagged = []
    for rule, alert in feed.alerts.items():
        if alert.when.field not in stored:
            continue
        values, above, below = stored[alert.when.field], alert.when.above, alert.when.below
        rows = stored[values > above if above is not None else values < below]
        flagged.append(rows[KEY].assign(rule=rule, value=rows[alert.when.field]))
    expected = pd.concat(flagged)
    found = read(engine, f"SELECT sensor, event_time, rule, value FROM report.{feed.name}_alert")
    assert_same(found, expected)
    assert found["rule"].value_counts().to_dict() == counts


def read(engine: Engine, query: str) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(query), connection)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    order = [name for name in expected.columns if name in (*KEY, "rule")]
    frames = []
    for frame in (found, expected):
        frame = frame.assign(
            event_time=pd.to_datetime(frame["event_time"], utc=True).dt.as_unit("ms")
        )
        frames.append(frame[list(expected.columns)].sort_values(order, ignore_index=True))
    assert_frame_equal(*frames, check_dtype=False, check_exact=True)
