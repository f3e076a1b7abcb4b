"""The list of words that contracts may not use is complete."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.dialects.mssql.base import MSIdentifierPreparer
from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer

from vigie.contract.sql_words import SQL_WORDS

pytestmark = pytest.mark.warehouse


def test_every_word_that_postgresql_reserves_is_listed(warehouse: Engine) -> None:
    statement = "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')"
    with warehouse.connect() as connection:
        reserved = set(connection.execute(text(statement)).scalars())
    assert reserved - SQL_WORDS == set()


@pytest.mark.parametrize("preparer", [PGIdentifierPreparer, MSIdentifierPreparer])
def test_every_word_that_sqlalchemy_would_quote_is_listed(preparer: type) -> None:
    assert set(preparer.reserved_words) - SQL_WORDS == set()
