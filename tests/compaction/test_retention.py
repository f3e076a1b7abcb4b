"""Months that expired are removed whole, and every reading that went is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, Table, select, update

from tests.compaction.conftest import START, count, rows
from tests.services import document_server, environment
from tests.warehouse.random_readings import batches, store_all
from vigie.compaction.record import Compacted, recent
from vigie.compaction.run import compact_feed
from vigie.contract.feed import Feed, Retention
from vigie.contract.loader import load_feeds
from vigie.errors import CompactionRefused
from vigie.reconciliation.reconcile import reconcile
from vigie.streaming.document_store import open_store, wants_documents
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.roll_ups import roll_up_changed

pytestmark = pytest.mark.warehouse

SHORT = timedelta(days=30)
FEEDS = [replace(feed, retention=Retention(readings=SHORT)) for feed in load_feeds().values()]
FEED = FEEDS[0]
Fill = Callable[[Feed], None]


def compact(feed: Feed, **options: object) -> list[Compacted]:
    return list(compact_feed(feed, person="tests", **options))


def expired(engine: Engine, feed: Feed) -> dict[date, tuple[int, int]]:
    t = core.day_count.c
    query = select(t.event_date, t.stored + t.restated, t.expired).where(t.feed == feed.name)
    with engine.connect() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def went(done: list[Compacted], table: Table) -> int:
    return sum(one.before.rows for one in done if one.table_name == table.name)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_expired_readings_go_and_panes_and_roll_ups_stay(
    warehouse: Engine, fill: Fill, feed: Feed
) -> None:
    fill(feed)
    roll_up_changed(feed)
    get_engine().dispose()  # Its session tells the statistics as it ends.
    tables = feed_tables(feed)
    kept = {t.name: rows(warehouse, t) for t in (tables.pane, tables.hourly, tables.daily)}

    done = compact(feed)

    gone = [one for one in done if one.steps == ("expire",)]
    of_readings = {tables.reading, tables.said} - {None}
    assert {one.table_name for one in gone} <= {table.name for table in of_readings}
    assert count(warehouse, tables.reading) == count(warehouse, core.alert) == 0
    stored = sum(n for n, _ in expired(warehouse, feed).values())
    assert went(gone, tables.reading) == stored
    assert all(stored == away > 0 for stored, away in expired(warehouse, feed).values())
    for table in (tables.pane, tables.hourly, tables.daily):
        assert kept[table.name], table.name
        assert rows(warehouse, table) == kept[table.name]
    account = reconcile(feed, warehouse, patience=0.1)
    assert account.unaccounted == ()
    assert account.expired == stored
    roll_up_changed(feed)
    assert rows(warehouse, tables.daily) == kept[tables.daily.name]
    assert compact(feed) == []
    assert {row["steps"] for row in recent(warehouse, feed.name, 50)} == {"expire", "tidy"}


def test_panes_go_at_their_own_time(warehouse: Engine, fill: Fill) -> None:
    feed = replace(FEED, retention=Retention(readings=SHORT, panes=2 * SHORT))
    fill(feed)

    compact(feed)

    tables = feed_tables(feed)
    assert count(warehouse, tables.reading) == count(warehouse, tables.pane) == 0
    assert count(warehouse, tables.daily) > 0
    assert reconcile(feed, warehouse, patience=0.1).unaccounted == ()


def test_what_is_kept_long_enough_stays(warehouse: Engine, fill: Fill) -> None:
    feed = replace(FEED, retention=Retention(readings=timedelta(days=36500)))
    fill(feed)
    before = rows(warehouse, feed_tables(feed).reading)
    compact(feed)
    assert rows(warehouse, feed_tables(feed).reading) == before
    fill_without_retention = replace(feed, retention=Retention())
    compact(fill_without_retention)
    assert rows(warehouse, feed_tables(feed).reading) == before


def test_a_dry_run_tells_what_would_go(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    before = rows(warehouse, feed_tables(FEED).reading)
    would = [one for one in compact(FEED, dry_run=True) if one.steps == ("expire",)]
    assert sum(one.before.rows for one in would) == len(before)
    assert rows(warehouse, feed_tables(FEED).reading) == before


def test_alerts_of_other_feeds_stay(warehouse: Engine, fill: Fill) -> None:
    other = next(feed for feed in FEEDS[1:] if feed.alerts)
    store_all(warehouse, other, batches(other, 3, START, timedelta(days=4)))
    theirs = count(warehouse, core.alert)
    fill(FEED)
    assert count(warehouse, core.alert) > theirs > 0

    compact(FEED)

    assert count(warehouse, core.alert) == theirs


def test_stragglers_of_an_expired_month_expire_too(warehouse: Engine, fill: Fill) -> None:
    """A stream far behind judges by when the broker got a reading, and may store it afterwards."""
    fill(FEED)
    compact(FEED)
    late = batches(FEED, 2, datetime(2026, 1, 31, tzinfo=UTC), timedelta(hours=3))[:1]
    store_all(warehouse, FEED, late, after=batches(FEED, 1, START, timedelta(days=4)))
    assert count(warehouse, feed_tables(FEED).reading) > 0
    assert reconcile(FEED, warehouse, patience=0.1).unaccounted == ()

    compact(FEED)

    assert count(warehouse, feed_tables(FEED).reading) == 0
    assert reconcile(FEED, warehouse, patience=0.1).unaccounted == ()


def test_a_month_whose_roll_ups_are_behind_is_kept(
    warehouse: Engine, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(FEED)
    monkeypatch.setattr("vigie.compaction.run.roll_up_changed", lambda *_: None)
    before = rows(warehouse, feed_tables(FEED).reading)
    with pytest.raises(CompactionRefused, match="roll-ups of 2 days, of 2026-01-30 first"):
        compact(FEED)
    assert rows(warehouse, feed_tables(FEED).reading) == before


def test_readings_that_were_missing_before_stay_missing(warehouse: Engine, fill: Fill) -> None:
    """What goes is counted, not what should have been there."""
    fill(FEED)
    t = core.day_count.c
    with warehouse.begin() as connection:
        more = update(core.day_count).where(t.event_date == date(2026, 1, 31))
        connection.execute(more.values(stored=t.stored + 1))
    compact(FEED)
    faults = reconcile(FEED, warehouse, patience=0.1).unaccounted
    assert "2026-01-31: 1 readings counted, found 0" in faults


@pytest.mark.broker
def test_documents_of_expired_readings_go_with_them(
    warehouse: Engine, tmp_path: object, fill: Fill
) -> None:
    feed = next(feed for feed in FEEDS if wants_documents(feed))
    fill(feed)
    with document_server(tmp_path / "documents") as url, environment(VIGIE_DOCUMENTS=url):
        store = open_store(feed)
        old, young = datetime(2026, 2, 28, 23, tzinfo=UTC), datetime.now(UTC)
        store.readings.insert_many(
            [{"_id": f"s|{at}", "sensor": "s", "event_time": at} for at in (old, young)]
        )
        compact(feed)
        left = [document["event_time"] for document in store.readings.find()]
    assert len(left) == 1
    assert left[0] > old
