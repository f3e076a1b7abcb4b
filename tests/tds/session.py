"""One client's session: its batches run in a session of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from tests.tds import tokens, values
from tests.tds.bulk import read_rows
from tests.tds.control import Control, read_control
from tests.tds.errors import Refused, number_and_text
from tests.tds.translate import translate

_ABORTING = (1205, 3960)
"""After these SQL Server has undone the whole transaction."""
_ISOLATION = {"READ COMMITTED": "READ COMMITTED", "SNAPSHOT": "REPEATABLE READ"}


class Session:
    """What SQL Server remembers of a session: whether it is in a transaction, and settings."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._pg = connection
        self._in_transaction = self._aborts = False
        self._isolation = _ISOLATION["READ COMMITTED"]
        self._bulk: tuple[str, ...] = ()

    def run(self, batch: str) -> bytes:
        """The answer to a batch."""
        try:
            controls = read_control(batch)
            if controls is not None:
                return b"".join(map(self._control, controls)) or tokens.done()
            parts = [self._query(sql) for sql in translate(batch)]
            return b"".join(parts) or tokens.done()
        except Exception as error:
            return self._failed(error)

    def load(self, data: bytes) -> bytes:
        """The answer to the rows of the bulk load that the batch before announced."""
        table, *names = self._bulk
        try:
            rows = list(read_rows(data))
            statement = f"COPY {table} ({', '.join(names)}) FROM STDIN"
            with self._undone_alone(), self._pg.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            return tokens.done(rows=len(rows))
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> bytes:
        number, text = number_and_text(error)
        if self._in_transaction and (self._aborts or number in _ABORTING):
            self._end("ROLLBACK")
        return tokens.error(number, text) + tokens.done(failed=True)

    def _query(self, sql: str, *, only_shape: bool = False) -> bytes:
        with self._undone_alone():
            cursor = self._pg.execute(sql)  # type: ignore[call-overload]
            if cursor.description is None:
                return tokens.done(rows=cursor.rowcount)
            found = [] if only_shape else cursor.fetchall()
            kinds = [
                values.kind_of(column.type_code, [row[i] for row in found])
                for i, column in enumerate(cursor.description)
            ]
            # A column without a name has none in SQL Server.
            names = ["" if c.name == "?column?" else c.name for c in cursor.description]
            head = values.columns(names, kinds)
            return head + values.rows(kinds, found) + tokens.done(rows=len(found))

    @contextmanager
    def _undone_alone(self) -> Iterator[None]:
        """A statement that fails within a transaction takes nothing else with it."""
        if not self._in_transaction:
            yield
            return
        if self._pg.info.transaction_status == TransactionStatus.IDLE:
            self._pg.execute(f"BEGIN ISOLATION LEVEL {self._isolation}")
        if self._aborts:
            yield
            return
        self._pg.execute("SAVEPOINT statement")
        try:
            yield
        except psycopg.Error:
            if not self._pg.closed:
                self._pg.execute("ROLLBACK TO statement")
            raise
        self._pg.execute("RELEASE statement")

    def _control(self, control: Control) -> bytes:
        words = control.words
        if control.verb == "transaction":
            return self._transaction(words[0].upper())
        if control.verb == "xact_abort":
            self._aborts = words[0] == "ON"
        elif control.verb == "lock_timeout":
            self._pg.execute(f"SET lock_timeout = {max(int(words[0]), 0)}")
        elif control.verb == "level":
            self._isolation = _ISOLATION[words[0].upper()]
        elif control.verb == "shape":
            return self._query(translate(words[0])[0] + " LIMIT 0", only_shape=True)
        elif control.verb == "bulk":
            self._bulk = words
        elif control.verb == "kill":
            return self._kill(int(words[0]))
        elif control.verb == "lock":
            return self._lock(*words[1:])
        elif control.verb == "unlock":
            self._pg.execute("SELECT pg_advisory_unlock(hashtext(%s))", words)
        return tokens.done()

    def _transaction(self, verb: str) -> bytes:
        if verb == "BEGIN":
            if self._in_transaction:
                raise Refused("a transaction within a transaction")
            self._in_transaction = True
        elif not self._in_transaction:
            number = 3902 if verb == "COMMIT" else 3903
            text = f"The {verb} TRANSACTION request has no corresponding BEGIN TRANSACTION."
            return tokens.error(number, text) + tokens.done(failed=True)
        else:
            self._end(verb)
        return tokens.done()

    def _end(self, verb: str) -> None:
        self._in_transaction = False
        if not self._pg.closed and self._pg.info.transaction_status != TransactionStatus.IDLE:
            self._pg.execute(verb)  # type: ignore[call-overload]

    def _kill(self, number: int) -> bytes:
        ended = self._pg.execute("SELECT pg_terminate_backend(%s)", (number,)).fetchone()
        if ended and ended[0]:
            return tokens.done()
        text = f"Process ID {number} is not an active process ID."
        return tokens.error(6106, text) + tokens.done(failed=True)

    def _lock(self, name: str, patience: str) -> bytes:
        """An advisory lock of the session stands for SQL Server's: 0 got it, -1 did not."""
        if patience == "0":
            query = "SELECT CASE WHEN pg_try_advisory_lock(hashtext('{}')) THEN 0 ELSE -1 END"
        else:
            query = "SELECT 0 FROM (SELECT pg_advisory_lock(hashtext('{}'))) AS held"
        return self._query(query.format(name))
