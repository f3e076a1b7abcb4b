"""Reconciliation by run and by day: what a quick one sees, what only a full one sees."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, create_engine, delete, func, select, update
from typer.testing import CliRunner

from tests.dialects import both_dialects, only_postgres
from tests.readings import accepted
from tests.warehouse.test_store import START, batch, hours, new_store
from vigie.cli import app
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import Unaccounted
from vigie.reconciliation.reconcile import reconcile
from vigie.reconciliation.record import recent_runs
from vigie.reconciliation.scheduled import reconcile_on_schedule
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.engines import patient_snapshot
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.types import UtcNow

pytestmark = [pytest.mark.warehouse, both_dialects]

FEED: Feed = next(iter(load_feeds().values()))


@pytest.fixture
def store(warehouse: Engine) -> Iterator[Store]:
    """A store that has stored 48 hours from one hour before midnight, an hour apart."""
    opened = new_store(warehouse, FEED)
    opened.store(batch(accepted(FEED, hours(48))))
    yield opened
    opened.close()


def faults(engine: Engine, *, full: bool) -> str:
    return "\n".join(reconcile(FEED, engine, full=full, patience=0.1).unaccounted)


def remove_reading(engine: Engine, offset: int) -> None:
    reading = feed_tables(FEED).reading
    with engine.begin() as connection:
        connection.execute(delete(reading).where(reading.c.kafka_offset == offset))


def test_a_quick_run_counts_the_days_that_changed_and_only_those(
    warehouse: Engine, store: Store
) -> None:
    assert faults(warehouse, full=False) == ""
    remove_reading(warehouse, 10)
    assert faults(warehouse, full=False) == "", "nothing was committed on that day since"

    late = [("s-2", START + timedelta(hours=5), 1)]
    store.store(batch(accepted(FEED, late, first_offset=48), begin=48))

    assert "2026-02-28: 25 readings counted, found 24" in faults(warehouse, full=False)


def test_a_full_run_sees_what_was_changed_behind_the_commits_back(
    warehouse: Engine, store: Store
) -> None:
    assert faults(warehouse, full=True) == ""
    remove_reading(warehouse, 10)

    found = faults(warehouse, full=True)

    assert "2026-02-28: 24 readings counted, found 23" in found
    assert "the ledger says 48 stored, found 47" in found
    assert "2026-02-27" not in found


def test_a_day_with_a_fault_is_named_until_it_is_mended(warehouse: Engine, store: Store) -> None:
    remove_reading(warehouse, 10)
    for _ in range(2):
        assert "2026-02-28" in faults(warehouse, full=False)
    with warehouse.begin() as connection:
        t = core.day_count
        mended = update(t).where(t.c.event_date == date(2026, 2, 28))
        connection.execute(mended.values(stored=t.c.stored - 1))
    found = faults(warehouse, full=False)
    assert "2026-02-28" not in found
    assert "the ledger says 48 stored, the counters of the days 47" in found


@pytest.mark.parametrize("full", [True, False])
def test_panes_that_lack_readings_are_named(warehouse: Engine, store: Store, full: bool) -> None:
    with warehouse.begin() as connection:
        pane = feed_tables(FEED).pane
        newest = select(func.max(pane.c.pane_start)).scalar_subquery()
        connection.execute(delete(pane).where(pane.c.pane_start == newest))

    assert "panes hold" in faults(warehouse, full=full)


def test_each_run_is_kept_with_its_figures(warehouse: Engine, store: Store) -> None:
    reconcile(FEED, warehouse, patience=0.1)
    remove_reading(warehouse, 10)
    reconcile(FEED, warehouse, patience=0.1)

    with warehouse.connect() as connection:
        newest, before = recent_runs(connection, FEED.name, limit=9)

    assert (before.messages_read, before.stored, before.gap_offsets) == (48, 48, 0)
    assert before.unaccounted is None
    assert "2026-02-28: 24 readings counted, found 23" in (newest.unaccounted or "")
    shown = CliRunner().invoke(app, ["reconcile", FEED.name, "--history", "5", "--json"])
    assert [run["stored"] for run in json.loads(shown.output)["runs"]] == [48, 48]


def test_the_schedule_counts_in_full_once_a_day_and_names_a_gap(
    warehouse: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No broker is here to be waited for.
    monkeypatch.setitem(reconcile.__kwdefaults__, "patience", 0.1)
    assert reconcile_on_schedule(FEED).full
    assert not reconcile_on_schedule(FEED).full
    with warehouse.begin() as connection:
        t = core.reconciliation.c
        for at in connection.scalars(select(t.at)).all():
            earlier = update(core.reconciliation).where(t.at == at)
            connection.execute(earlier.values(at=at - timedelta(days=1)))
    assert reconcile_on_schedule(FEED).full
    with warehouse.begin() as connection:
        moved = {"begin_offset": 5, "end_offset": 53}
        connection.execute(update(core.ledger).values(moved))

    with pytest.raises(Unaccounted, match="5 offsets in no range"):
        reconcile_on_schedule(FEED)


@only_postgres
def test_a_snapshot_waits_for_others_longer_than_a_transaction_may(warehouse: Engine) -> None:
    url = warehouse.url.render_as_string(hide_password=False)
    options = "-c idle_in_transaction_session_timeout=100ms"
    impatient = create_engine(url, connect_args={"options": options})
    with patient_snapshot(impatient) as connection:
        before = connection.execute(select(UtcNow())).scalar_one()
        time.sleep(0.5)
        assert connection.execute(select(UtcNow())).scalar_one() == before
    impatient.dispose()
