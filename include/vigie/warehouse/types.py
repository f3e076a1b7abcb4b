"""Column types that mean the same in every database of the warehouse.

PostgreSQL has them as they are. SQL Server keeps no time zone and tells upper from lower case only
where a column's collation says so: times are `datetime2(3)` in UTC there, and text is compared
by its code points, as PostgreSQL's equality does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Double, FunctionElement, LargeBinary, Text, TypeDecorator
from sqlalchemy.dialects import mssql
from sqlalchemy.ext.compiler import compiles

COLLATION = "Latin1_General_100_BIN2"
"""SQL Server's collation of every text column; two of one kind can always be compared."""


class _UtcDatetime2(TypeDecorator[datetime]):
    """Aware times in Python, UTC without a zone in the database; cut to milliseconds."""

    impl = mssql.DATETIME2(precision=3)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, without its zone.

        Raises:
            ValueError: A time without a zone, which may be any moment.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value.isoformat()}: expected a time with its zone"
            raise ValueError(message)
        utc = value.astimezone(UTC).replace(tzinfo=None)
        # As the driver does on the wire; done here, the database and Python hold the same.
        return utc.replace(microsecond=utc.microsecond // 1000 * 1000)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored moment with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


TIME = DateTime(timezone=True).with_variant(_UtcDatetime2(), "mssql")
"""A moment: aware in Python, in UTC in SQL Server."""

NUMBER: Double[float] = Double().with_variant(mssql.FLOAT(53), "mssql")
"""A float of 64 bits."""

BYTES = LargeBinary().with_variant(mssql.VARBINARY("max"), "mssql")
"""Bytes of any length."""

LONG_TEXT = Text().with_variant(mssql.NVARCHAR(collation=COLLATION), "mssql")
"""Text of any length, which is part of no key and no index."""


def key_text(length: int) -> Text:
    """Text that may be part of a key; `length` is the most that fits, in UTF-16 units.

    SQL Server's keys hold 900 bytes, two of them for each unit; PostgreSQL has no such limit.
    """
    return Text().with_variant(mssql.NVARCHAR(length, collation=COLLATION), "mssql")


NAME = key_text(40)
"""An identifier of a contract (feed, rule, field, model), which has 40 characters at most."""

SENSOR = key_text(400)
"""A sensor's key: 200 characters, each two units at most."""


class UtcNow(FunctionElement[datetime]):
    """The database's clock at the start of the transaction or statement, as a moment."""

    type = TIME
    inherit_cache = True


@compiles(UtcNow)
def _now(element: UtcNow, compiler: Any, **_: Any) -> str:
    return "now()"


@compiles(UtcNow, "mssql")
def _sysutcdatetime(element: UtcNow, compiler: Any, **_: Any) -> str:
    # CURRENT_TIMESTAMP is the server's local time.
    return "SYSUTCDATETIME()"
