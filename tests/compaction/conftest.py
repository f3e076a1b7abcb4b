from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Table, func, select

from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import feed_tables

START = datetime(2026, 1, 30, 20, tzinfo=UTC)
SPAN = timedelta(days=4)
"""Two closed months: January has four days of it, of which the last two are half full."""


@pytest.fixture
def fill(warehouse: Engine) -> Callable[[Feed], None]:
    """Store random readings of three sensors over the end of January and the begin of February."""
    return lambda feed: store_all(warehouse, feed, batches(feed, 1, START, SPAN))


def rows(engine: Engine, table: Table) -> list[Any]:
    """All rows of a table, in order."""
    with engine.connect() as connection:
        return sorted(map(tuple, connection.execute(select(table))), key=str)


def everything(engine: Engine, feed: Feed) -> dict[str, list[Any]]:
    """All rows of a feed's fact tables."""
    return {str(table.name): rows(engine, table) for table in feed_tables(feed)}


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def tell_statistics(connection: Connection) -> None:
    """Have the transaction's changes counted at its end, and not up to ten seconds later."""
    connection.execute(select(func.pg_stat_force_next_flush()))
