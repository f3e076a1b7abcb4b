"""Reading all streams at once, as the Streams page does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert, select, update

from tests.dialects import mssql_in_campaign
from tests.seeded_streams import committed, every_state, launched
from tests.supervision.spark_master import BookkeepingMaster
from vigie.contract.loader import load_feeds
from vigie.supervision.master import SparkMaster
from vigie.supervision.states import State
from vigie.supervision.status import stream_states
from vigie.supervision.traffic import LENGTH, SLICE, Slice, Traffic
from vigie.supervision.upkeep import Upkeep, last_refresh, read_upkeep
from vigie.warehouse import core
from vigie.warehouse.core import launch, ledger
from vigie.warehouse.types import UtcNow

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]
FEEDS = list(load_feeds())
NOON, HOUR = datetime(2026, 1, 1, 12, tzinfo=UTC), timedelta(hours=1)


@pytest.fixture
def master() -> SparkMaster:
    return BookkeepingMaster().client()


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def look(traffic: Traffic, connection: Connection, feeds: list[str]) -> dict[str, list[Slice]]:
    traffic.look(connection, feeds, connection.execute(select(UtcNow())).scalar_one())
    return {feed: traffic.slices(feed) for feed in feeds}


def test_many_streams_cost_as_many_statements_as_one(
    warehouse: Engine, master: SparkMaster
) -> None:
    expected = every_state(warehouse)
    with counted(warehouse) as one:
        stream_states(FEEDS[:1], engine=warehouse, master=master)
    with counted(warehouse) as all_of_them:
        states = stream_states(FEEDS, engine=warehouse, master=master)
    assert len(all_of_them) == len(one)
    assert {seen.feed: str(seen.state) for seen in states} == expected
    singly = [stream_states([feed], engine=warehouse, master=master)[0] for feed in FEEDS]
    assert states == singly


def test_a_master_that_is_away_is_asked_once(warehouse: Engine) -> None:
    for feed in FEEDS:
        launched(warehouse, feed)
    with warehouse.begin() as connection:
        connection.execute(update(launch).values(submission_id="driver-1"))
    away = BookkeepingMaster()
    away.away, asked = True, []
    client = away.client()
    client._http.event_hooks = {"request": [asked.append]}
    states = stream_states(FEEDS, engine=warehouse, master=client)
    assert len(asked) == 1
    assert State.UNKNOWN not in {seen.state for seen in states}


def test_traffic_is_what_the_ledger_has_of_a_quarter_of_an_hour(warehouse: Engine) -> None:
    committed(warehouse, FEEDS[0], seconds=1200)
    seen = Traffic()
    with warehouse.connect() as connection:
        found = look(seen, connection, FEEDS)
    assert [feed for feed in FEEDS if found[feed]] == FEEDS[:1]
    slices = found[FEEDS[0]]
    reach = slices[-1].begin - slices[0].begin
    assert LENGTH.total_seconds() - 3 * SLICE <= reach <= LENGTH.total_seconds()
    # Whole slices hold ten batches of 20 to 40 messages.
    assert all(10 * 20 <= part.read <= 10 * 40 for part in slices[1:-1])
    assert 0 < sum(part.quarantined for part in slices) < sum(part.read for part in slices)


def test_a_later_look_finds_what_a_first_one_would(warehouse: Engine) -> None:
    committed(warehouse, FEEDS[0], seconds=300)
    seen = Traffic()
    with warehouse.connect() as connection:
        look(seen, connection, FEEDS)
    with warehouse.begin() as connection:
        # Older than what a later look reads again.
        connection.execute(delete(ledger).where(ledger.c.begin_offset == 0))
    committed(warehouse, FEEDS[0], seconds=15, after=300)
    with warehouse.connect() as connection:
        later = look(seen, connection, FEEDS)[FEEDS[0]]
        anew = look(Traffic(), connection, FEEDS)[FEEDS[0]]
    recent = [part for part in anew if part.begin > anew[-1].begin - 20]
    assert later[-len(recent) :] == recent
    assert sum(part.read for part in later) > sum(part.read for part in anew)


def test_upkeep_is_the_newest_of_each_feed(warehouse: Engine) -> None:
    none = dict.fromkeys(
        (
            *("messages_read", "stored", "copies", "conflicts", "quarantined", "control"),
            *("gap_offsets", "overlap_offsets"),
        ),
        0,
    )
    rows = [
        {"feed": FEEDS[0], "at": NOON, "unaccounted": "partition 0"},
        {"feed": FEEDS[0], "at": NOON + HOUR, "unaccounted": None},
        {"feed": FEEDS[1], "at": NOON, "unaccounted": "partition 1"},
    ]
    with warehouse.begin() as connection:
        for row in rows:
            values = none | row | {"is_full": False, "seconds": 1.0}
            connection.execute(insert(core.reconciliation).values(values))
        kept = {"feed": FEEDS[0], "commit_no": 1, "files": 1, "bytes": 1, "archived_at": NOON}
        connection.execute(insert(core.lake).values(kept))
    with warehouse.connect() as connection:
        found = read_upkeep(connection, FEEDS)
        assert last_refresh(connection) is None
    assert found[FEEDS[0]] == Upkeep(accounted_at=NOON + HOUR, archived_at=NOON)
    assert found[FEEDS[1]] == Upkeep(accounted_at=NOON, unaccounted="partition 1")
    assert found[FEEDS[2]] == Upkeep()
