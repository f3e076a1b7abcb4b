"""`require_tables` as a driver asks it of SQL Server, through the TDS endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from vigie.contract.feed import Feed, Field
from vigie.contract.loader import load_feeds
from vigie.errors import MigrationError
from vigie.warehouse.verify import require_tables

pytestmark = [pytest.mark.warehouse, pytest.mark.parametrize("dialect", ["mssql"])]


@pytest.fixture
def server(warehouse: Engine) -> Iterator[Engine]:
    engine = create_engine(warehouse.url, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_tables_that_fit_the_contract_are_seen_to(server: Engine, feed: Feed) -> None:
    require_tables(feed, server)


@pytest.mark.parametrize("feed", [*load_feeds().values()][:1], ids=lambda feed: feed.name)
def test_what_does_not_fit_is_named_column_by_column(server: Engine, feed: Feed) -> None:
    first = next(iter(feed.fields))
    fields = {first: replace(feed.fields[first], type="integer"), "extra": Field(name="extra")}
    changed = replace(feed, fields=feed.fields | fields)

    with pytest.raises(MigrationError) as error:
        require_tables(changed, server)

    said = str(error.value)
    assert f"fact.{feed.name}_reading.{first}: type is FLOAT(53), expected BIGINT" in said
    assert f"fact.{feed.name}_pane.extra_n: missing column" in said
