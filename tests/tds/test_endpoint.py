"""The endpoint itself, through SQL Server's real client: what it answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pymssql
import pytest
from pymssql import _mssql
from sqlalchemy import Engine, make_url

from tests.tds.refused import REFUSED
from vigie.warehouse.engines import warehouse_url

pytestmark = [pytest.mark.warehouse, pytest.mark.parametrize("dialect", ["mssql"])]

Connect = Callable[..., pymssql.Connection]
READING = "fact.fleet_reading"
COLUMNS = ("sensor_id", "event_time", "temperature", "is_late")
REST = ("kafka_partition", "kafka_offset", "batch_no")


@pytest.fixture
def connect(warehouse: Engine) -> Iterator[Connect]:
    opened: list[pymssql.Connection] = []
    url = make_url(warehouse_url())

    def open_one(**options: Any) -> pymssql.Connection:
        login = {"user": url.username, "password": url.password, "database": url.database}
        opened.append(pymssql.connect(server=url.host, port=str(url.port), **login | options))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def rows(connection: pymssql.Connection, sql: str, parameters: Any = ()) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(sql, parameters)
    return cursor.fetchall() if cursor.description else []


def number_of(error: BaseException) -> int:
    first = error.args[0]
    return first[0] if isinstance(first, tuple) else first


def test_values_of_every_type_come_back_as_they_went(connect: Connect) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000)  # noqa: DTZ001
    (found,) = rows(
        connect(),
        "SELECT CAST(%s AS datetime2(3)) AS t, CAST(%s AS bigint) AS i, CAST(%s AS float) AS f, "
        "CAST(1 AS bit) AS b, CAST(%s AS nvarchar(max)) AS n, CAST(NULL AS int) AS z, "
        "CAST(%s AS date) AS d, %s AS x",
        (moment, -(2**62), 5e-324, "ü 😀 'quoted' \\", date(2026, 1, 2), bytearray(b"\0\xff")),
    )

    assert found == (
        *(moment, -(2**62), 5e-324, True, "ü 😀 'quoted' \\", None),
        *(date(2026, 1, 2), b"\0\xff"),
    )


def test_a_failed_statement_leaves_the_transaction_and_its_number(connect: Connect) -> None:
    connection = connect()
    rows(connection, "INSERT INTO dim.sensor (feed, sensor) VALUES (N'f', N'a')")

    with pytest.raises(pymssql.IntegrityError) as caught:
        rows(connection, "INSERT INTO dim.sensor (feed, sensor) VALUES (N'f', N'a')")
    connection.commit()

    assert number_of(caught.value) == 2627
    assert rows(connect(), "SELECT sensor FROM dim.sensor") == [("a",)]


def test_closing_without_commit_undoes(connect: Connect) -> None:
    connection = connect()
    rows(connection, "INSERT INTO dim.sensor (feed, sensor) VALUES (N'f', N'a')")
    connection.close()

    assert rows(connect(), "SELECT sensor FROM dim.sensor") == []


def readings(count: int) -> list[tuple[Any, ...]]:
    start = datetime(2026, 1, 1)  # noqa: DTZ001
    times = (start + timedelta(milliseconds=1001 * i) for i in range(count))
    return [(1, time, i / 3, i % 2 == 0, 0, i, 1) for i, time in enumerate(times)]


def load(connection: pymssql.Connection, table: str, loaded: list[tuple[Any, ...]]) -> None:
    found = rows(
        connection,
        f"SELECT name, column_id FROM sys.columns WHERE object_id = OBJECT_ID(N'{table}')",
    )
    numbers = dict(found)
    ids = [numbers[name] for name in (*COLUMNS, *REST)]
    connection.bulk_copy(table, loaded, column_ids=ids, batch_size=len(loaded))


def test_a_bulk_load_is_part_of_its_transaction(connect: Connect) -> None:
    connection = connect()
    load(connection, READING, readings(1000))
    (seen,) = rows(connection, f"SELECT COUNT(*) FROM {READING}")
    connection.rollback()
    (left,) = rows(connection, f"SELECT COUNT(*) FROM {READING}")
    load(connection, READING, readings(3))
    connection.commit()

    assert (seen, left) == ((1000,), (0,))
    kept = rows(
        connect(), f"SELECT {', '.join((*COLUMNS, *REST))} FROM {READING} ORDER BY event_time"
    )
    assert kept == readings(3)


def test_a_bulk_load_of_a_stored_key_fails_with_its_number(connect: Connect) -> None:
    connection = connect()
    load(connection, READING, readings(3))

    with pytest.raises(_mssql.MSSQLDatabaseException) as caught:
        load(connection, READING, readings(1))

    assert number_of(caught.value) == 2627


@pytest.mark.parametrize("batch", REFUSED)
def test_what_it_does_not_know_it_refuses(connect: Connect, batch: str) -> None:
    with pytest.raises(pymssql.OperationalError, match="the test endpoint refuses"):
        rows(connect(), batch)


def test_a_query_that_takes_too_long_is_given_up(connect: Connect) -> None:
    lock = (
        "DECLARE @got int; EXEC @got = sp_getapplock @Resource = N'x', @LockMode = 'Exclusive', "
        "@LockOwner = 'Session', @LockTimeout = {}; SELECT @got AS got"
    )
    assert rows(connect(), lock.format(0)) == [(0,)]
    assert rows(connect(), lock.format(0)) == [(-1,)]

    with pytest.raises(pymssql.OperationalError, match="timed out"):
        rows(connect(timeout=1), lock.format(-1))


def test_a_killed_session_is_gone(connect: Connect) -> None:
    victim = connect()
    ((number,),) = rows(victim, "SELECT @@SPID")

    rows(connect(autocommit=True), f"KILL {number}")

    with pytest.raises(pymssql.OperationalError):
        rows(victim, "SELECT 1")


def test_a_wrong_password_is_refused(connect: Connect) -> None:
    with pytest.raises(pymssql.OperationalError, match="Login failed"):
        # pragma: allowlist nextline secret - it is refused
        connect(password="wrong")
