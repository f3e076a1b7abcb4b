"""The rules of one batch in one transaction, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, delete, func, insert, select, update

from tests.dialects import both_dialects, end_session
from tests.readings import accepted
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import LedgerConflict, Superseded
from vigie.reconciliation.reconcile import reconcile
from vigie.streaming.commit import Batch, Fence
from vigie.streaming.flag import flag_column
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.launch import claim, raise_fence
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.ledger import OffsetRange
from vigie.warehouse.session import TransientError

pytestmark = [pytest.mark.warehouse, both_dialects]

FEEDS = list(load_feeds().values())
START = datetime(2026, 2, 27, 23, tzinfo=UTC)
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


def new_launch(engine: Engine, feed: Feed, number: int) -> Fence:
    row = {"feed": feed.name, "launch": number, "contract_hash": "c", "code_version": "v"}
    with engine.begin() as connection:
        connection.execute(insert(core.launch).values(row))
    fence = claim(engine, feed.name, number)
    assert fence is not None
    raise_fence(engine, feed.name, fence)
    return fence


def new_store(engine: Engine, feed: Feed, number: int = 1, **parts: Any) -> Store:
    fence = new_launch(engine, feed, number)
    return Store(open_warehouse(engine), engine, feed, fence=fence, pulse=Pulse(), **parts)


def batch(split: Split, begin: int = 0) -> Batch:
    rows = split.accepted.num_rows
    return Batch([OffsetRange("topic", 0, begin, begin + rows)], {0: rows}, split)


def hours(count: int, sensor: str = "s-1", step: int = 0) -> list[tuple[str, datetime, int]]:
    return [(sensor, START + timedelta(hours=i), i + step) for i in range(count)]


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def totals(engine: Engine, feed: Feed) -> dict[str, int]:
    account = reconcile(feed, engine, patience=0.1)
    assert account.unaccounted == ()
    names = ("read", "stored", "copies", "conflicts", "quarantined")
    return {name: sum(getattr(p, name) for p in account.partitions) for name in names}


@pytest.fixture
def stores(warehouse: Engine) -> Iterator[list[Store]]:
    opened: list[Store] = []
    yield opened
    for store in opened:
        store.close()


@each_feed
def test_a_batch_is_stored_with_panes_and_day_counts(
    warehouse: Engine, stores: list[Store], feed: Feed
) -> None:
    store = new_store(warehouse, feed)
    stores.append(store)

    store.store(batch(accepted(feed, hours(30))))

    assert count(warehouse, feed_tables(feed).reading) == 30
    assert totals(warehouse, feed)["stored"] == 30
    with warehouse.connect() as connection:
        days = connection.execute(
            select(core.day_count.c.event_date, core.day_count.c.stored).order_by("event_date")
        ).all()
    assert [stored for _, stored in days] == [1, 24, 5]


@each_feed
def test_a_replay_stores_nothing_and_counts_copies(
    warehouse: Engine, stores: list[Store], feed: Feed
) -> None:
    store = new_store(warehouse, feed)
    stores.append(store)
    store.store(batch(accepted(feed, hours(20))))
    before = pane_rows(warehouse, feed)

    store.store(batch(accepted(feed, hours(20), first_offset=20), begin=20))

    assert totals(warehouse, feed) == {
        "read": 40,
        "stored": 20,
        "copies": 20,
        "conflicts": 0,
        "quarantined": 0,
    }
    assert pane_rows(warehouse, feed) == before


@each_feed
def test_other_values_for_a_stored_reading_are_shown_not_dropped(
    warehouse: Engine, stores: list[Store], feed: Feed
) -> None:
    store = new_store(warehouse, feed)
    stores.append(store)
    store.store(batch(accepted(feed, hours(5))))
    before = pane_rows(warehouse, feed)

    store.store(batch(accepted(feed, hours(5, step=1), first_offset=5), begin=5))

    assert totals(warehouse, feed)["conflicts"] == 5
    assert pane_rows(warehouse, feed) == before
    with warehouse.connect() as connection:
        rows = connection.execute(select(core.quarantine.c.reason, core.quarantine.c.detail)).all()
    assert {reason for reason, _ in rows} == {"conflicting_copy"}
    assert all(next(iter(feed.fields)) in detail for _, detail in rows)


@each_feed
def test_late_readings_are_merged_into_their_pane(
    warehouse: Engine, stores: list[Store], feed: Feed
) -> None:
    store = new_store(warehouse, feed)
    stores.append(store)
    times = [START + i * feed.windows.pane / 4 for i in range(8)]
    late = [("s-1", t, i) for i, t in enumerate(times) if i % 2]
    early = [("s-1", t, i) for i, t in enumerate(times) if not i % 2]

    store.store(batch(accepted(feed, early)))
    store.store(batch(accepted(feed, late, first_offset=4), begin=4))

    with warehouse.connect() as connection:
        readings = connection.execute(
            select(feed_tables(feed).pane.c.readings).order_by("pane_start")
        ).scalars()
        assert list(readings) == [4, 4]


def test_a_superseded_driver_writes_nothing(warehouse: Engine, stores: list[Store]) -> None:
    feed = FEEDS[0]
    old = new_store(warehouse, feed)
    stores.append(old)
    old.store(batch(accepted(feed, hours(5))))
    new_launch(warehouse, feed, 2)

    with pytest.raises(Superseded, match="launch 1 no longer holds the fence"):
        old.store(batch(accepted(feed, hours(5, "s-2"), first_offset=5), begin=5))

    old.close()
    assert totals(warehouse, feed)["read"] == 5
    assert count(warehouse, feed_tables(feed).reading) == 5


def test_the_fence_only_rises(warehouse: Engine) -> None:
    feed = FEEDS[0]
    new_launch(warehouse, feed, 2)

    with pytest.raises(Superseded, match="found the fence at launch 2"):
        raise_fence(warehouse, feed.name, Fence(1, "old"))


def test_a_launch_is_claimed_once(warehouse: Engine) -> None:
    feed = FEEDS[0]
    new_launch(warehouse, feed, 1)

    assert claim(warehouse, feed.name, 1) is None


@pytest.mark.parametrize("begin", [0, 4, 6])
def test_a_batch_that_does_not_continue_the_ledger_writes_nothing(
    warehouse: Engine, stores: list[Store], begin: int
) -> None:
    feed = FEEDS[0]
    store = new_store(warehouse, feed)
    stores.append(store)
    store.store(batch(accepted(feed, hours(5))))

    with pytest.raises(LedgerConflict, match=rf"begins at offset {begin}.*the ledger ends at 5"):
        store.store(batch(accepted(feed, hours(5, "s-2")), begin=begin))

    store.close()
    assert totals(warehouse, feed)["read"] == 5


def test_wrong_last_event_times_lead_to_the_slow_way_not_to_an_error(
    warehouse: Engine, stores: list[Store]
) -> None:
    feed = FEEDS[0]
    first = new_store(warehouse, feed)
    stores.append(first)
    first.store(batch(accepted(feed, hours(5))))
    with warehouse.begin() as connection:
        connection.execute(delete(core.sensor_clock))
    second = new_store(warehouse, feed, 2)
    stores.append(second)

    second.store(batch(accepted(feed, hours(8), first_offset=5), begin=5))

    assert totals(warehouse, feed) == {
        "read": 13,
        "stored": 8,
        "copies": 5,
        "conflicts": 0,
        "quarantined": 0,
    }


@pytest.mark.parametrize("feed", [f for f in FEEDS if f.alerts], ids=lambda feed: feed.name)
def test_a_flagged_reading_removed_behind_our_back_may_come_again(
    warehouse: Engine, stores: list[Store], feed: Feed
) -> None:
    store = new_store(warehouse, feed)
    stores.append(store)
    reading = feed_tables(feed).reading
    store.store(batch(flagged(accepted(feed, hours(6)), feed)))
    alerts = count(warehouse, core.alert)
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(reading.c.kafka_offset >= 4))

    store.store(batch(flagged(accepted(feed, hours(6), first_offset=6), feed), begin=6))

    assert count(warehouse, reading) == 6
    assert count(warehouse, core.alert) == alerts == 6 * len(feed.alerts)


def flagged(split: Split, feed: Feed) -> Split:
    """Every reading flagged by every rule."""
    rows = split.accepted
    for rule in feed.alerts:
        place = rows.column_names.index(flag_column(rule))
        rows = rows.set_column(place, flag_column(rule), pa.array([True] * rows.num_rows))
    return replace(split, accepted=rows)


def test_a_session_that_is_ended_loses_nothing(warehouse: Engine, stores: list[Store]) -> None:
    feed = FEEDS[0]
    store = new_store(warehouse, feed)
    stores.append(store)
    store.store(batch(accepted(feed, hours(5))))
    with warehouse.begin() as connection:
        pids = connection.execute(select(core.launch_session.c.session_id)).scalars().all()
    for pid in pids:
        end_session(warehouse, pid)

    store.store(batch(accepted(feed, hours(5, "s-2"), first_offset=5), begin=5))

    assert totals(warehouse, feed)["stored"] == 10
    assert count(warehouse, core.launch_session) == len(pids) + 1


def lose_the_answer_to_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    session = store.open()
    really_commit = session.commit
    answers = iter([TransientError("the connection broke after the commit")])

    def commit() -> None:
        really_commit()
        raise next(answers)

    monkeypatch.setattr(session, "commit", commit)


def test_a_commit_whose_answer_was_lost_is_not_repeated(
    warehouse: Engine, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEEDS[0]
    store = new_store(warehouse, feed)
    stores.append(store)
    lose_the_answer_to_a_commit(store, monkeypatch)

    store.store(batch(accepted(feed, hours(5))))
    store.store(batch(accepted(feed, hours(5, "s-2"), first_offset=5), begin=5))

    assert totals(warehouse, feed)["stored"] == 10


def test_messages_of_a_commit_whose_answer_was_lost_are_told(
    warehouse: Engine, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = next(feed for feed in FEEDS if feed.alerts)
    waiting: list[int] = []
    store = new_store(
        warehouse, feed, tell_messages=lambda: waiting.append(count(warehouse, core.alert_outbox))
    )
    stores.append(store)
    lose_the_answer_to_a_commit(store, monkeypatch)

    store.store(batch(flagged(accepted(feed, hours(2)), feed)))

    assert waiting == [len(feed.alerts)]


def test_reconcile_names_what_is_missing(warehouse: Engine, stores: list[Store]) -> None:
    feed = FEEDS[0]
    store = new_store(warehouse, feed)
    stores.append(store)
    store.store(batch(accepted(feed, hours(5))))
    store.store(batch(accepted(feed, hours(5, "s-2"), first_offset=5), begin=5))
    reading = feed_tables(feed).reading
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(reading.c.kafka_offset == 3))
        connection.execute(
            update(core.ledger)
            .where(core.ledger.c.begin_offset == 5)
            .values(begin_offset=6, end_offset=11)
        )

    faults = "\n".join(reconcile(feed, warehouse, patience=0.1).unaccounted)

    assert "partition 0 of topic topic: 1 offsets in no range" in faults
    assert "partition 0: the ledger says 10 stored, found 9" in faults
    assert "readings counted, found" in faults


def pane_rows(engine: Engine, feed: Feed) -> list[Any]:
    pane = feed_tables(feed).pane
    with engine.connect() as connection:
        return list(connection.execute(select(pane).order_by("sensor_id", "pane_start")))
