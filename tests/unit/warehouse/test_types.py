from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Table, select
from sqlalchemy.dialects import mssql, postgresql

from vigie.contract.loader import load_feeds
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.types import TIME, UtcNow

MSSQL, POSTGRES = mssql.dialect(), postgresql.dialect()
TABLES = [
    *core.metadata.sorted_tables,
    *(table for feed in load_feeds().values() for table in feed_tables(feed)),
]


def test_a_moment_is_utc_without_a_zone_in_sql_server_and_comes_back_aware() -> None:
    bind = TIME.dialect_impl(MSSQL).bind_processor(MSSQL)
    result = TIME.dialect_impl(MSSQL).result_processor(MSSQL, None)
    paris = datetime(2026, 11, 26, 3, 0, 0, 123_999, timezone(timedelta(hours=1)))

    stored = bind(paris)

    assert stored == datetime(2026, 11, 26, 2, 0, 0, 123_000)  # noqa: DTZ001
    assert result(stored) == datetime(2026, 11, 26, 2, 0, 0, 123_000, UTC)
    assert bind(None) is None
    assert result(None) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-11-26T00:00:00: expected a time with its zone"):
        TIME.dialect_impl(MSSQL).bind_processor(MSSQL)(datetime(2026, 11, 26))  # noqa: DTZ001


def test_the_clock_of_sql_server_is_asked_for_utc() -> None:
    assert str(select(UtcNow()).compile(dialect=MSSQL)).startswith("SELECT SYSUTCDATETIME()")
    assert str(select(UtcNow()).compile(dialect=POSTGRES)).startswith("SELECT now()")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.fullname)
def test_the_keys_of_every_table_fit_into_900_bytes_of_sql_server(table: Table) -> None:
    # Two bytes for each unit of text; nothing else is longer than eight.
    lengths = [getattr(_mssql(c.type), "length", 4) for c in table.primary_key.columns]

    assert None not in lengths, "nvarchar(max) cannot be in a key"
    assert 2 * sum(lengths) <= 900


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.fullname)
def test_no_table_has_a_time_of_its_own_kind(table: Table) -> None:
    kinds = {c.name: c.type.compile(MSSQL) for c in table.columns}
    wrong = {n: k for n, k in kinds.items() if "OFFSET" in k or k in ("TEXT", "NTEXT", "IMAGE")}
    assert wrong == {}


def _mssql(kind):
    return kind._variant_mapping.get("mssql", kind)
