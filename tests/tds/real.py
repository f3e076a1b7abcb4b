"""A real SQL Server for the tests, where VIGIE_TEST_MSSQL_URL names one.

The URL is of SQLAlchemy, `mssql+pymssql://user:password@host:1433/database`, of an empty database
made for these tests: its user owns it, and its rows go before each test. It needs
ALLOW_SNAPSHOT_ISOLATION ON, and for its user ALTER ANY CONNECTION and VIEW SERVER STATE.
"""

from __future__ import annotations

import os
from functools import cache

from sqlalchemy import create_engine, delete

from vigie.contract.loader import load_feeds
from vigie.warehouse import core, migrate
from vigie.warehouse.feed_tables import feed_tables

URL = os.environ.get("VIGIE_TEST_MSSQL_URL", "")


@cache
def _migrated() -> None:
    engine = create_engine(URL)
    migrate.apply(engine)
    engine.dispose()


def empty_warehouse() -> str:
    """Bring the database to the newest migration, empty its tables, and return its URL."""
    _migrated()
    tables = list(core.metadata.sorted_tables)
    tables += [table for feed in load_feeds().values() for table in feed_tables(feed)]
    engine = create_engine(URL)
    with engine.begin() as connection:
        for table in tables:
            if table is not core.migration:
                connection.execute(delete(table))
    engine.dispose()
    return URL
