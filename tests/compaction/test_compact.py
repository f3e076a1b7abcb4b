"""Months compacted on a real PostgreSQL: nothing lost, a second run idle, dead rows gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update

from tests.compaction.conftest import START, count, everything, rows, tell_statistics
from tests.warehouse.random_readings import batches, store_all
from vigie.compaction import run as compaction
from vigie.compaction.record import Compacted, recent
from vigie.compaction.run import compact_feed
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import CompactionBusy, CompactionRefused, DuplicatesFound
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.reconciliation.reconcile import reconcile
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.month_locks import hold_months

pytestmark = pytest.mark.warehouse

FEEDS = list(load_feeds().values())
FEED = FEEDS[0]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
Fill = Callable[[Feed], None]


def compact(feed: Feed, **options: object) -> list[Compacted]:
    return list(compact_feed(feed, person="tests", **options))


@each_feed
def test_every_table_is_compacted_once_and_keeps_its_rows(
    warehouse: Engine, fill: Fill, feed: Feed
) -> None:
    fill(feed)
    reading, pane = feed_tables(feed).reading, feed_tables(feed).pane
    before = {table.name: rows(warehouse, table) for table in (reading, pane)}

    done = compact(feed)

    told = {(one.table_name, one.month): one.steps for one in done}
    for table in (reading, pane, feed_tables(feed).hourly, feed_tables(feed).daily):
        assert told[table.name, JANUARY] == told[table.name, FEBRUARY] == ("tidy",)
    assert {table.name: rows(warehouse, table) for table in (reading, pane)} == before
    assert count(warehouse, feed_tables(feed).hourly), "the roll-ups came with it"
    assert compact(feed) == [], "a second run has nothing to do"
    kept = recent(get_engine("reader"), feed.name, 50)
    assert len(kept) == len(done)
    assert all(row["person"] == "tests" and row["query_ms_before"] is not None for row in kept)
    one = next(row for row in kept if row["table_name"] == reading.name)
    assert one["rows_after"] * 40 < one["bytes_after"] < one["rows_after"] * 2000
    assert one["groups_after"] > 0


def test_a_month_much_of_which_is_dead_is_rewritten_in_order_of_time(
    warehouse: Engine, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEED
    monkeypatch.setattr("vigie.compaction.policy.LEAST_DEAD", 10)
    fill(feed)
    compact(feed)
    reading = feed_tables(feed).reading
    with warehouse.begin() as connection:
        connection.execute(update(reading).values(is_late=True))
        tell_statistics(connection)
    before = everything(warehouse, feed)

    done = {(one.table_name, one.month): one for one in compact(feed)}

    assert set(done) == {(reading.name, JANUARY), (reading.name, FEBRUARY)}
    one = done[reading.name, FEBRUARY]
    assert one.steps == ("rewrite",)
    assert one.before.dead > one.before.rows / 3
    assert one.after.dead == one.after.loose == 0
    assert one.after.bytes < one.before.bytes
    assert everything(warehouse, feed) == before
    times = text(f"SELECT event_time FROM fact.{feed.name}_reading_202602 ORDER BY ctid")
    with warehouse.connect() as connection:
        found = list(connection.scalars(times))
    assert found == sorted(found)
    assert compact(feed) == []


def test_late_readings_open_their_month_again_and_no_other(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    compact(FEED)
    first = batches(FEED, 1, START, timedelta(days=4))

    late = batches(FEED, 2, datetime(2026, 1, 31, tzinfo=UTC), timedelta(hours=3))[:1]
    store_all(warehouse, FEED, late, after=first)

    done = compact(FEED)
    assert {one.month for one in done} == {JANUARY}
    assert feed_tables(FEED).reading.name in {one.table_name for one in done}
    assert compact(FEED) == []


def test_a_dry_run_changes_nothing(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    with warehouse.connect() as connection:
        tables = list(connection.scalars(text("SELECT relname FROM pg_class ORDER BY 1")))

    would = compact(FEED, dry_run=True)

    assert {one.table_name for one in would} >= {f"{FEED.name}_reading", f"{FEED.name}_pane"}
    assert recent(warehouse, None, 10) == []
    assert count(warehouse, core.roll_up) == 0
    with warehouse.connect() as connection:
        assert list(connection.scalars(text("SELECT relname FROM pg_class ORDER BY 1"))) == tables
    assert compact(FEED, dry_run=True) == would


def test_places_for_the_months_to_come_are_made(warehouse: Engine) -> None:
    compact(FEED)

    with warehouse.connect() as connection:
        now = connection.scalar(select(text("now()")))
        after_next = (now.replace(day=1) + timedelta(days=70)).date().replace(day=1)
        for table in (*feed_tables(FEED), core.alert):
            name = f"fact.{table.name}_{after_next:%Y%m}"
            assert connection.scalar(text(f"SELECT to_regclass('{name}')")) is not None


def test_one_month_is_compacted_alone(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    assert {one.month for one in compact(FEED, month=date(2026, 1, 17))} == {JANUARY}


def test_an_open_month_and_one_nobody_knows_are_refused(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    with pytest.raises(CompactionRefused, match=r"still open, .* until \d{4}-\d\d-01"):
        compact(FEED, month=datetime.now(UTC).date())
    with pytest.raises(CompactionRefused, match="there are 2026-01 to"):
        compact(FEED, month=date(2011, 5, 1))


def test_a_month_that_is_restated_is_left_alone_and_named(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    with hold_months(warehouse, FEED.name, [JANUARY]) as held:
        assert held
        with pytest.raises(CompactionBusy, match=f"{FEED.name} 2026-01: another process"):
            compact(FEED)
    with warehouse.connect() as connection:
        done = connection.scalars(select(core.compaction.c.month).distinct()).all()
    assert done == [FEBRUARY], "the others are done"
    assert {one.month for one in compact(FEED)} == {JANUARY}


def test_locks_of_several_months_are_had_together_or_not(warehouse: Engine) -> None:
    with (
        hold_months(warehouse, "x", [FEBRUARY]),
        hold_months(warehouse, "x", [JANUARY, FEBRUARY]) as both,
        hold_months(warehouse, "x", [JANUARY]) as one,
    ):
        assert (both, one) == (False, True)
    with (
        hold_months(warehouse, "x", [JANUARY, FEBRUARY]) as held,
        open_warehouse(warehouse).hold("month x 2026-01") as again,
    ):
        assert held
        assert not again


def test_a_duplicate_fails_the_run_and_is_named(
    warehouse: Engine, postgres: Stack, fill: Fill
) -> None:
    fill(FEED)
    reading = feed_tables(FEED).reading
    partition = f"fact.{reading.name}_202601"
    with connect(postgres, warehouse.url.database) as connection:
        # As a damaged index would: it no longer refuses the second row.
        connection.execute(
            "UPDATE pg_index SET indisready = false, indisunique = false "
            f"WHERE indrelid = '{partition}'::regclass AND indisprimary"
        )
        connection.execute(
            f"INSERT INTO {partition} SELECT * FROM {partition} ORDER BY event_time LIMIT 1"
        )
    before = rows(warehouse, reading)

    with pytest.raises(DuplicatesFound, match=r"2 rows of sensor s-\d, event_time 2026-01-30"):
        compact(FEED)

    assert rows(warehouse, reading) == before
    with warehouse.connect() as connection:
        done = connection.execute(select(core.compaction.c.table_name, core.compaction.c.month))
        assert (reading.name, JANUARY) not in {tuple(row) for row in done}


def test_batches_are_stored_while_their_months_are_compacted(warehouse: Engine, fill: Fill) -> None:
    """A late batch is in hand, in the month itself, when the compaction comes."""
    fill(FEED)
    reading = feed_tables(FEED).reading
    taken = dict(next(iter(rows_as_dicts(warehouse, reading))))
    late = taken | {"event_time": START + timedelta(minutes=1, milliseconds=1)}
    with closing(get_engine().connect()) as batch:
        batch.execute(insert(reading).values(late))
        tell_statistics(batch)

        done = compact(FEED)

        assert {one.steps for one in done} == {("tidy",)}
        batch.commit()
    again = compact(FEED)
    assert [(one.table_name, one.month) for one in again] == [(reading.name, JANUARY)]
    assert count(warehouse, reading) == done_rows(done, reading.name) + 1


def rows_as_dicts(engine: Engine, table: object) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def done_rows(done: list[Compacted], name: str) -> int:
    return sum(one.after.rows for one in done if one.table_name == name)


def test_a_month_that_readers_do_not_let_go_of_stays_as_it_was(
    warehouse: Engine, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigie.compaction.policy.LEAST_DEAD", 10)
    monkeypatch.setattr("vigie.warehouse.postgres.fact_months._TRIES", 1)
    monkeypatch.setattr("vigie.warehouse.postgres.fact_months._WAIT", 1)
    fill(FEED)
    reading = feed_tables(FEED).reading
    with warehouse.begin() as connection:
        connection.execute(update(reading).values(is_late=True))
        tell_statistics(connection)
    before = rows(warehouse, reading)
    with closing(get_engine().connect()) as reader:
        reader.execute(text(f"SELECT count(*) FROM fact.{reading.name}_202601"))
        with pytest.raises(CompactionBusy, match="did not let go"):
            compact(FEED, month=JANUARY)
    assert rows(warehouse, reading) == before
    assert reading.name in {one.table_name for one in compact(FEED, month=JANUARY)}


def test_after_compaction_every_offset_is_accounted_for(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    compact(FEED)
    assert reconcile(FEED, warehouse, patience=0.1).unaccounted == ()


def test_a_month_without_rows_is_nothing_to_do(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    compact(FEED)
    with warehouse.begin() as connection:
        connection.execute(delete(feed_tables(FEED).reading))
        tell_statistics(connection)
    done = [one for one in compact(FEED) if one.table_name == f"{FEED.name}_reading"]
    assert {(one.month, one.after.rows, one.after.groups) for one in done} == {
        (JANUARY, 0, 0),
        (FEBRUARY, 0, 0),
    }
    assert compact(FEED) == []


def test_compactable_months_are_closed_and_there(warehouse: Engine, fill: Fill) -> None:
    fill(FEED)
    assert compaction.compactable(FEED, date(2026, 2, 14))
    assert not compaction.compactable(FEED, date(2025, 2, 14))
    assert not compaction.compactable(FEED, datetime.now(UTC).date())
