"""What a session reads in bulk is what the database holds, to the bit."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine, bindparam, literal_column, select, text

from tests.dialects import only_postgres
from vigie.warehouse.dialects import open_warehouse

pytestmark = [pytest.mark.warehouse, only_postgres]

MOMENT = datetime(2004, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
ROWS = {
    "whole": (pa.int64(), [1, -(2**63), None]),
    "number": (pa.float64(), [0.1 + 0.2, float("inf"), None]),
    "truth": (pa.bool_(), [True, False, None]),
    "moment": (pa.timestamp("us", tz="UTC"), [MOMENT, datetime(2000, 1, 1, tzinfo=UTC), None]),
    "words": (pa.string(), ['a "b", c\nd\t\\.', "", None]),
    "raw": (pa.binary(), [b'\x00\xff,"\n', b"", None]),
}
TYPES = ("bigint", "float8", "boolean", "timestamptz", "text", "bytea")


def test_every_type_and_its_null_comes_back(warehouse: Engine) -> None:
    schema = pa.schema([(name, kind) for name, (kind, _) in ROWS.items()])
    expected = pa.table([values for _, values in ROWS.values()], schema=schema)
    session = open_warehouse(warehouse).open_session()
    columns = ", ".join(f"{n} {t}" for n, t in zip(ROWS, TYPES, strict=True))
    session.run(text(f"CREATE TEMPORARY TABLE told (place int, {columns})"))
    names = ", ".join(f":{name}" for name in ROWS)
    for place, row in enumerate(expected.to_pylist()):
        session.run(
            text(f"INSERT INTO told VALUES (:place, {names})").bindparams(place=place, **row)
        )

    wanted = [literal_column(name) for name in ROWS]
    place = literal_column("place")
    query = select(*wanted).select_from(text("told")).order_by(place)
    found = session.read(query.where(place >= bindparam("first", 0)), schema)
    none = session.read(query.where(place > 99), schema)
    session.close()

    assert found.equals(expected)
    assert none.schema.equals(schema)
    assert none.num_rows == 0


def test_numbers_of_any_size_keep_every_bit(warehouse: Engine) -> None:
    bits = np.random.default_rng(1).integers(0, 2**63, 20_000, dtype=np.int64)
    numbers = bits.view(np.float64)[np.isfinite(bits.view(np.float64))]
    session = open_warehouse(warehouse).open_session()
    session.run(text("CREATE TEMPORARY TABLE told (place int, number float8)"))
    insert = "INSERT INTO told SELECT * FROM unnest(:places ::int[], :numbers ::float8[])"
    told = {"places": list(range(len(numbers))), "numbers": numbers.tolist()}
    session.run(text(insert).bindparams(**told))

    query = select(literal_column("number")).select_from(text("told")).order_by(text("place"))
    found = session.read(query, pa.schema([("number", pa.float64())]))
    session.close()

    assert (found["number"].to_numpy().view(np.int64) == numbers.view(np.int64)).all()
