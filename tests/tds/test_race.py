"""Two drivers, one batch, over SQL Server's protocol: exactly one of them stores it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select

from tests.readings import accepted
from tests.warehouse.test_store import START, batch, hours, new_launch
from vigie.contract.loader import load_feeds
from vigie.errors import LedgerConflict, Superseded
from vigie.streaming.commit import Fence
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.store import Store
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.dialects("mssql")]


@pytest.mark.parametrize("same_launch", [True, False], ids=["one fence", "superseded"])
def test_of_two_drivers_with_one_batch_exactly_one_stores_it(
    warehouse: Engine, same_launch: bool
) -> None:
    feed = load_feeds()["gas_turbine"]
    first = new_launch(warehouse, feed, 1)
    second = first if same_launch else new_launch(warehouse, feed, 2)
    at_once = Barrier(2)

    def opened(fence: Fence) -> Store:
        store = Store(open_warehouse(warehouse), warehouse, feed, fence=fence, pulse=Pulse())
        store.open()
        return store

    def drive(store: Store) -> type[Exception] | None:
        at_once.wait(30)
        try:
            store.store(batch(accepted(feed, hours(50))))
        except (LedgerConflict, Superseded) as error:
            return type(error)
        finally:
            store.close()
        return None

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(drive, [opened(first), opened(second)]))

    assert sorted(ends, key=str) == [LedgerConflict if same_launch else Superseded, None]
    reading = feed_tables(feed).reading
    with warehouse.connect() as connection:
        stored = connection.execute(select(func.count(), func.min(reading.c.event_time))).one()
    assert tuple(stored) == (50, START)
