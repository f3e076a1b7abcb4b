"""Folding the ledger, and forgetting: what is removed, and that nothing else notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, insert, select, update

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

pytestmark = pytest.mark.warehouse

BATCHES_A_DAY, DAYS = 20, 12


def ledger_of_twelve_days(engine: Engine, *, topic_id: str = "A", partitions: int = 2) -> None:
    """Batches of ten messages, twenty a day, the newest now."""
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
        }
        for part in range(partitions)
        for number in range(BATCHES_A_DAY * DAYS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(core.ledger), rows)
        t = core.ledger.c
        step = timedelta(days=1) / BATCHES_A_DAY
        age = (BATCHES_A_DAY * DAYS - t.batch_no) * step
        connection.execute(update(core.ledger).values(committed_at=func.now() - age))


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
    day = func.date(func.timezone("UTC", t.committed_at))
    per_day = select(func.count()).group_by(day, t.kafka_partition)
    with warehouse.connect() as connection:
        sizes = sorted(connection.scalars(per_day.where(day < func.current_date() - 8)))
        recent = select(func.count()).where(t.committed_at > func.now() - timedelta(days=7))
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
    ledger_of_twelve_days(warehouse)
    with warehouse.begin() as connection:
        older = core.ledger.c.committed_at - timedelta(days=30)
        connection.execute(update(core.ledger).values(committed_at=older))

    fold_ledger(warehouse, FEED.name)

    assert [(gap.topic_id, gap.begin) for gap in begins("B", {0: (0, 5)}).gaps] == [
        ("A", 2400),
        ("A", 2400),
    ]


def test_old_launches_go_but_never_the_newest(warehouse: Engine) -> None:
    for number in range(30):
        assert relaunch(warehouse, FEED, after=number) == number + 1
        old = func.now() - timedelta(days=200 - number)
        change_launch(warehouse, FEED.name, number + 1, created_at=old)
    person = {"feed": FEED.name, "kind": "stop", "person": "ada"}
    with warehouse.begin() as connection:
        connection.execute(insert(core.stream_event).values(person))
        old = func.now() - timedelta(days=100)
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
