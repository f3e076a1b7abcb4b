"""The driver's errors as ours, by SQL Server's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pymssql
from pymssql import _mssql

from vigie.errors import WarehouseError
from vigie.warehouse.session import DuplicateKeyError, TransientError

_STORED = (2627, 2601)
_TRANSIENT = (
    *(1205, 1222, 3960, 3961),  # deadlock, lock not got in time, changed since the snapshot
    *(596, 6005, 10053, 10054, 10060),  # session ended, shutdown, connection broken
    *(701, 802, 845, 1204),  # out of memory, buffers or locks
)
_LIBRARY = range(20000, 20100)
"""DB-Library's own numbers: the server did not answer."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn a driver's error into one of ours.

    A bulk load raises another class than all else does.
    """
    try:
        yield
    except (pymssql.Error, _mssql.MSSQLException) as error:
        number = _number(error)
        if number in _STORED:
            raise DuplicateKeyError(str(error)) from error
        # A connection that is closed has no number.
        if number is None or number in _TRANSIENT or number in _LIBRARY:
            raise TransientError(str(error)) from error
        message = f"SQL Server refused a statement ({number}): {error}"
        raise WarehouseError(message) from error


def _number(error: BaseException) -> int | None:
    found: object = error.args[0] if error.args else None
    if isinstance(found, tuple):
        found = found[0]
    return found if isinstance(found, int) else None
