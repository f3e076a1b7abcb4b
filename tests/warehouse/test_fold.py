"""Folding the ledger, and forgetting: what is removed, and that nothing else notices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, insert, select, update

from tests.dialects import both_dialects
from tests.warehouse.streams import change_launch
from tests.warehouse.test_begins import FEED, begins, still_open
from vigie.reconciliation.tiles import read_tiles
from vigie.streaming.launch import record_gaps
from vigie.supervision.desire import accept_gaps
from vigie.supervision.forget import forget_old
from vigie.supervision.launches import relaunch
from vigie.supervision.status import stream_states
from vigie.warehouse import core
from vigie.warehouse.fold import fold_ledger
from vigie.warehouse.moments import Ago, UtcDate

pytestmark = [pytest.mark.warehouse, both_dialects]

BATCHES_A_DAY, DAYS = 20, 12


def ledger_of_twelve_days(
    engine: Engine, *, topic_id: str = "A", partitions: int = 2, ago: timedelta = timedelta(0)
) -> None:
    """Batches of ten messages, twenty a day, the newest now."""
    now, step = datetime.now(UTC) - ago, timedelta(days=1) / BATCHES_A_DAY
    rows = [
        {
            "feed": FEED.name,
            "topic_id": topic_id,
            "kafka_partition": part,
            "begin_offset": 10 * number,
            "end_offset": 10 * number + 10,
            "batch_no": number + 1,
            "launch": 1 + number // 100,
            "messages_read": 10,
            "stored": 6,
            "copies": 2,
            "conflicts": 1,
            "quarantined": 1,
            "control": 0,
            "committed_at": now - (BATCHES_A_DAY * DAYS - number - 1) * step,
        }
        for part in range(partitions)
        for number in range(BATCHES_A_DAY * DAYS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(core.ledger), rows)


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def tiles(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return read_tiles(connection, FEED.name)


def test_old_days_become_one_row_each_and_still_tile(warehouse: Engine) -> None:
    ledger_of_twelve_days(warehouse)
    before, rows = tiles(warehouse), count(warehouse, core.ledger)
    found = begins("A", {0: (0, 5000), 1: (0, 5000)})
    last = stream_states([FEED.name])[0].last_commit

    saved = fold_ledger(warehouse, FEED.name)

    assert tiles(warehouse) == before
    assert count(warehouse, core.ledger) == rows - saved
    t = core.ledger.c
    day = UtcDate(t.committed_at)
    folded = datetime.now(UTC).date() - timedelta(days=8)
    per_day = select(func.count()).group_by(day, t.kafka_partition)
    with warehouse.connect() as connection:
        sizes = sorted(connection.scalars(per_day.where(day < folded)))
        recent = select(func.count()).where(t.committed_at > Ago(timedelta(days=7)))
        assert set(sizes) == {1}
        assert connection.execute(recent).scalar_one() == 2 * 7 * BATCHES_A_DAY
    assert begins("A", {0: (0, 5000), 1: (0, 5000)}) == found
    assert stream_states([FEED.name])[0].last_commit == last
    assert fold_ledger(warehouse, FEED.name) == 0


def test_a_gap_inside_a_day_is_not_covered(warehouse: Engine) -> None:
    ledger_of_twelve_days(warehouse, partitions=1)
    with warehouse.begin() as connection:
        t = core.ledger.c
        connection.execute(core.ledger.delete().where(t.begin_offset == 50))
    record_gaps(warehouse, FEED.name, [_gap(50, 60)])
    accept_gaps(warehouse, FEED.name, still_open(warehouse), person="me")
    before = tiles(warehouse)
    assert (before[0].gaps, before[0].accepted) == (0, 10)

    fold_ledger(warehouse, FEED.name)

    assert tiles(warehouse) == before


def test_a_topic_made_anew_is_still_noticed(warehouse: Engine) -> None:
    ledger_of_twelve_days(warehouse, ago=timedelta(days=30))

    fold_ledger(warehouse, FEED.name)

    assert [(gap.topic_id, gap.begin) for gap in begins("B", {0: (0, 5)}).gaps] == [
        ("A", 2400),
        ("A", 2400),
    ]


def test_old_launches_go_but_never_the_newest(warehouse: Engine) -> None:
    for number in range(30):
        assert relaunch(warehouse, FEED, after=number) == number + 1
        old = Ago(timedelta(days=200 - number))
        change_launch(warehouse, FEED.name, number + 1, created_at=old)
    person = {"feed": FEED.name, "kind": "stop", "person": "ada"}
    with warehouse.begin() as connection:
        connection.execute(insert(core.stream_event).values(person))
        old = Ago(timedelta(days=100))
        connection.execute(update(core.stream_event).values(at=old))

    forget_old(warehouse, FEED.name)

    with warehouse.connect() as connection:
        kept = connection.scalars(select(core.launch.c.launch)).all()
        people = connection.scalars(select(core.stream_event.c.person)).all()
    assert sorted(kept) == list(range(11, 31))
    assert people == ["ada"], "who asked for what stays"
    assert relaunch(warehouse, FEED, after=30) == 31


def _gap(begin: int, end: int) -> Any:
    from vigie.streaming.offsets import Gap

    return Gap("A", 0, begin, end, "expired")
