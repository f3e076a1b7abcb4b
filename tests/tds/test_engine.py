"""What only SQL Server itself can show; run by `make test-mssql` with VIGIE_TEST_MSSQL_URL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert, select, text, update

from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import impatient_engine, snapshots
from vigie.warehouse.session import TransientError

pytestmark = [pytest.mark.warehouse, pytest.mark.engine, pytest.mark.dialects("mssql")]


def beats(engine: Engine, *feeds: str) -> None:
    with engine.begin() as connection:
        for feed in feeds:
            row = {"feed": feed, "launch": 1, "token": "t", "batch_no": 0}
            connection.execute(insert(core.fence).values(row))


def raised(feed: str) -> object:
    t = core.fence
    return update(t).where(t.c.feed == feed).values(batch_no=t.c.batch_no + 1)


def test_a_deadlock_is_transient_for_one_of_two(warehouse: Engine) -> None:
    beats(warehouse, "a", "b")
    first, second = (open_warehouse(warehouse).open_session() for _ in range(2))
    first.run(raised("a"))
    second.run(raised("b"))

    def cross(session, feed: str) -> bool:
        try:
            session.run(raised(feed))
            session.commit()
        except TransientError:
            session.rollback()
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(cross, (first, second), ("b", "a")))
    first.close()
    second.close()
    assert sorted(ends) == [False, True]


def test_a_heartbeat_gives_up_waiting_for_a_lock(warehouse: Engine) -> None:
    beats(warehouse, "a")
    holder = open_warehouse(warehouse).open_session()
    holder.run(raised("a"))
    impatient = impatient_engine(seconds=1)
    with pytest.raises(Exception, match="1222"), impatient.begin() as connection:
        connection.execute(raised("a"))
    impatient.dispose()
    holder.close()


def test_a_snapshot_keeps_what_it_saw(warehouse: Engine) -> None:
    beats(warehouse, "a")
    query = select(core.fence.c.batch_no)
    with snapshots(warehouse).connect() as reading:
        before = reading.execute(query).scalar_one()
        with warehouse.begin() as writing:
            writing.execute(raised("a"))
        assert reading.execute(query).scalar_one() == before


def test_the_lock_of_a_name_ends_with_its_session(warehouse: Engine) -> None:
    with open_warehouse(warehouse).hold("test") as held:
        assert held
        with open_warehouse(warehouse).hold("test") as again:
            assert not again
    with open_warehouse(warehouse).hold("test") as held:
        assert held


def test_every_month_has_a_partition_of_its_own(warehouse: Engine) -> None:
    months = [datetime(2026, month, 15, tzinfo=UTC) for month in (1, 2, 3)]
    with warehouse.connect() as connection:
        query = text("SELECT $PARTITION.vigie_month(:moment)")
        found = {connection.scalar(query, {"moment": m.replace(tzinfo=None)}) for m in months}
    assert len(found) == 3
