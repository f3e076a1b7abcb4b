"""What the T-SQL views give for stored readings, against what PostgreSQL's give.

Both run on PostgreSQL: the T-SQL through the translation of the TDS endpoint. So this judges what
the views mean, and not what SQL Server makes of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, DateTime, Engine, Table, insert, select

from tests.tds.translate import translate
from tests.tsql.parity import committed_files
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import HOME
from vigie.warehouse.core import model_error
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.roll_ups import roll_up
from vigie.warehouse.sqlserver.report import report_objects

pytestmark = [pytest.mark.tsql, pytest.mark.warehouse]

SYSTEM = HOME / "tests" / "tds" / "system.sql"
START, SPAN = datetime(2026, 2, 27, 22, tzinfo=UTC), timedelta(hours=5)


@pytest.fixture
def owner(postgres: Stack, warehouse: Engine) -> Engine:
    """The warehouse with the functions that translated T-SQL calls."""
    with connect(postgres, str(warehouse.url.database)) as connection:
        connection.execute(SYSTEM.read_text("utf-8"))
    return get_engine("owner")


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_views_give_what_postgresqls_give(owner: Engine, warehouse: Engine, feed: Feed) -> None:
    store_all(warehouse, feed, batches(feed, 7, START, SPAN))
    roll_up(feed, START, START + SPAN)
    with warehouse.begin() as connection:
        say_something(connection, feed)
    with owner.connect() as connection:
        for made in report_objects(feed):
            if made.sql.startswith("SELECT * FROM report."):
                continue  # Another name of what is compared itself.
            ours = made.sql
            theirs = f"SELECT * FROM report.{made.name}"
            if made.kind == "function":
                begin, end = START - timedelta(hours=1), START + SPAN
                ours = ours.replace("@from_time", _moment(begin)).replace("@to_time", _moment(end))
                theirs += f"('{begin.isoformat()}', '{end.isoformat()}')"
            wanted = rows(connection, theirs)
            assert wanted, made.name
            assert rows(connection, *translate(ours)) == wanted, made.name


def test_the_views_of_model_errors_give_what_postgresqls_give(owner: Engine) -> None:
    days = [datetime(2026, 2, day, tzinfo=UTC).date() for day in (1, 2, 3, 5, 9)]
    with owner.connect() as connection:
        for count, day in enumerate(days, 1):
            for version in range(1, 3):
                numbers = {"predictions": 7 * count, "absolute": 3.5 * count, "squared": 9.0}
                named = {"model": "m", "event_date": day, "version": version}
                connection.execute(insert(model_error).values(**named, **numbers, signed=-count))
        (ours,) = re.findall(
            r"CREATE VIEW report\.model_error AS\n(.*?);\nGO",
            committed_files()["0023_monitoring.sql"],
            re.DOTALL,
        )
        wanted = rows(connection, "SELECT * FROM report.model_error")
        assert len(wanted) == 15
        assert rows(connection, *translate(ours)) == wanted


def say_something(connection: Connection, feed: Feed) -> None:
    """Fill the table of predictions, if the feed has one, with every reason."""
    tables = feed_tables(feed)
    if tables.said is None:
        return
    open_warehouse().ensure_months(tables.said, [START.date(), (START + SPAN).date()])
    readings = connection.execute(select(tables.reading.c.sensor_id, tables.reading.c.event_time))
    for count, (sensor, time) in enumerate(readings.all()):
        row = {"sensor_id": sensor, "event_time": time, "reason": count % 7 or None}
        connection.execute(insert(tables.said).values(_filled(tables.said, row, time)))


def _filled(table: Table, row: dict[str, Any], time: datetime) -> dict[str, Any]:
    values = {str(c.name): time if isinstance(c.type, DateTime) else 3 for c in table.columns}
    return values | row


def rows(connection: Connection, query: str) -> list[str]:
    """The rows of a query, in an order that both sides share."""
    found = connection.exec_driver_sql(query.replace("%", "%%")).all()
    return sorted(str([_plain(value) for value in row]) for row in found)


def _plain(value: object) -> object:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{float(value):.9g}"
    return value


def _moment(time: datetime) -> str:
    return f"'{time.replace(tzinfo=None).isoformat()}'"
