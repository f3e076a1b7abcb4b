"""The lake's retention removes old days for good, and what expired is never taken for lost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from tests.lake.topics import Topic, stored
from tests.services import environment, forget_topic
from vigie.cli.app import app
from vigie.contract.loader import get_feed
from vigie.errors import RestatementRefused, SettingsError
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage
from vigie.lake.ledger import read_ledger
from vigie.lake.maintain import maintain
from vigie.lake.place import DAY, file_sizes, open_table
from vigie.lake.read import read_days
from vigie.lake.retention import expire
from vigie.reconciliation.lake import compare_lake
from vigie.restatement.source import require_in_lake

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


def days_before(first: date) -> list[date]:
    return [first - timedelta(days=back) for back in range(1, 10)]


def test_old_days_expire_and_are_named_not_missed(
    spark: SparkSession, topic: Topic, lake: Path
) -> None:
    topic.send(400)
    archive(spark, topic.feed)
    first = datetime.now(UTC).date() - timedelta(days=2)
    old = read_days(spark, topic.feed, days_before(first)).count()
    assert 0 < old < 300

    assert maintain(topic.feed).expired == 0
    with environment(VIGIE_LAKE_RETENTION="2 days", VIGIE_LAKE_VACUUM="1 hour"):
        done = maintain(topic.feed)
        again = maintain(topic.feed)

    assert (done.expired, again.expired) == (old, 0)
    assert read_days(spark, topic.feed, days_before(first)).count() == 0
    kept = dict(stored(spark, topic.feed))
    assert len(kept) == 400 - old
    assert kept.items() <= topic.sent.items()
    ledger = read_ledger(topic.feed)
    assert (ledger.kept_from, ledger.expired_records) == (first, old)
    found = coverage(topic.feed)
    assert found.is_whole
    assert found.expired == old
    account = compare_lake(topic.feed)
    assert (account.faults, account.expired) == ((), old)

    # The next archive carries on, and late records of an expired day go with the next run.
    topic.send(100, seed=1)
    archive(spark, topic.feed)
    assert read_ledger(topic.feed).expired_records == old
    with environment(VIGIE_LAKE_RETENTION="2 days"):
        late = maintain(topic.feed).expired
    assert late > 0
    assert read_ledger(topic.feed).expired_records == old + late
    assert coverage(topic.feed).is_whole
    with pytest.raises(RestatementRefused, match=f"records from {first} on"):
        require_in_lake(topic.feed, first - timedelta(days=1))
    require_in_lake(topic.feed, first)

    # What is really lost still is.
    table = open_table(topic.feed.name)
    lost = next(path for path in file_sizes(table) if path.startswith(f"{DAY}={first}"))
    (lake / topic.feed.name / lost).unlink()
    assert not coverage(topic.feed).is_whole
    assert coverage(topic.feed).missing
    (fault,) = compare_lake(topic.feed).faults
    assert lost in fault


def test_records_without_a_day_expire_by_when_they_came(spark: SparkSession, topic: Topic) -> None:
    topic.send(200)
    archive(spark, topic.feed)
    today = datetime.now(UTC).date()
    unparsed = read_days(spark, topic.feed, [None]).count()
    assert unparsed

    table = open_table(topic.feed.name)
    expire(table, read_ledger(topic.feed), today + timedelta(days=1))
    assert len(stored(spark, topic.feed)) == unparsed
    expire(open_table(topic.feed.name), read_ledger(topic.feed), today + timedelta(days=3))

    assert stored(spark, topic.feed) == []
    ledger = read_ledger(topic.feed)
    assert ledger.expired_records == 200
    assert coverage(topic.feed).is_whole
    assert archive(spark, topic.feed).messages == 0


def test_a_retention_that_says_nothing_is_refused(spark: SparkSession, topic: Topic) -> None:
    topic.send(10)
    archive(spark, topic.feed)
    for name in ("VIGIE_LAKE_RETENTION", "VIGIE_LAKE_VACUUM"):
        with environment(**{name: "soon"}), pytest.raises(SettingsError, match=f"{name}: 'soon'"):
            maintain(topic.feed)


def test_status_and_reconcile_say_what_expired(spark: SparkSession, lake: Path) -> None:
    feed = get_feed("smart_meter")
    forget_topic(feed)
    topic = Topic(feed)
    try:
        topic.send(100)
        archive(spark, topic.feed)
        with environment(VIGIE_LAKE_RETENTION="2 days"):
            expired = maintain(topic.feed).expired
        assert expired
        shown = CliRunner().invoke(app, ["lake", "status", "smart_meter"]).output
        assert f"{expired} records expired" in " ".join(shown.split())
        told = CliRunner().invoke(app, ["reconcile", "smart_meter", "--json"]).stdout
        (account,) = json.loads(told)["feeds"]
        assert account["lake_expired"] == expired
        assert not [fault for fault in account["unaccounted"] if "lake" in fault]
    finally:
        topic.delete()
