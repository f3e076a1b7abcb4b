"""A TDS 7.4 endpoint for tests: the real driver of SQL Server talks to PostgreSQL behind it.

It is not SQL Server. What it does not know it refuses; of locks, plans, columnstore and partitions
it knows nothing. A process of its own, since the driver's bulk load holds Python's lock while it
waits for an answer: `python -m tests.tds.endpoint CONNECTION FILE`.
"""

from __future__ import annotations

import json
import queue
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.tds import packets, tokens
from tests.tds.errors import number_and_text
from tests.tds.login import Login, read_login
from tests.tds.session import Session

_LITERALS = re.compile(
    r"N?'(?:[^']|'')*'|\b0x[0-9a-f]+|(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.I
)


class Server:
    """Listens on a free port of loopback; each connection has two threads."""

    def __init__(self, postgres: str, file: Path) -> None:
        self._postgres = postgres
        self._heard = Heard(file)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def listen(self) -> None:
        """Take connections until the process ends."""
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(packets.Disconnected):
            postgres = self._log_in(connection)
            if postgres is not None:
                with closing(postgres):
                    _converse(connection, postgres, self._heard)
            with suppress(OSError):
                # Closing alone would say nothing to the client while a thread still reads.
                connection.shutdown(socket.SHUT_RDWR)

    def _log_in(self, connection: socket.socket) -> psycopg.Connection | None:
        kind, data = packets.receive(connection)
        if kind == packets.PRELOGIN:
            packets.send(connection, tokens.prelogin())
            kind, data = packets.receive(connection)
        login = read_login(data)
        try:
            postgres = self._connect(login)
        except psycopg.Error as error:
            # libpq gives no code for a login that fails.
            _, text = number_and_text(error)
            told = tokens.error(18456, f"Login failed for user '{login.user}': {text}", level=14)
            packets.send(connection, told + tokens.done(failed=True))
            return None
        packets.send(connection, tokens.login_accepted(login.database, packets.SIZE))
        return postgres

    def _connect(self, login: Login) -> psycopg.Connection:
        return psycopg.connect(
            self._postgres,
            user=login.user,
            password=login.password,
            dbname=login.database,
            application_name=login.program,
            options="-c timezone=UTC -c client_min_messages=warning",
            autocommit=True,
        )


class Heard:
    """One example of each batch that came, a line of JSON each; literals make no difference."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a")
        self._shapes: set[str] = set()
        self._lock = threading.Lock()

    def note(self, batch: str) -> None:
        """Keep a batch that is unlike those before."""
        shape = _LITERALS.sub("?", batch)
        with self._lock:
            if shape not in self._shapes:
                self._shapes.add(shape)
                self._file.write(json.dumps(batch) + "\n")
                self._file.flush()


def _converse(connection: socket.socket, postgres: psycopg.Connection, heard: Heard) -> None:
    asked: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(connection, postgres, asked), daemon=True)
    reader.start()
    session = Session(postgres)
    while (message := asked.get()) is not None:
        kind, data = message
        if kind == packets.ATTENTION:
            answer = tokens.cancelled()
        elif kind == packets.SQL_BATCH:
            (heads,) = struct.unpack_from("<I", data)
            batch = data[heads:].decode("utf-16-le")
            heard.note(batch)
            answer = session.run(batch)
        elif kind == packets.BULK_LOAD:
            answer = session.load(data)
        else:
            answer = tokens.error(50000, f"the test endpoint refuses: message {kind:#x}")
            answer += tokens.done(failed=True)
        if postgres.closed:
            # Somebody ended the session: SQL Server closes the connection too.
            return
        packets.send(connection, answer)


def _read(
    connection: socket.socket,
    postgres: psycopg.Connection,
    asked: queue.Queue[tuple[int, bytes] | None],
) -> None:
    """Read ahead, so that an attention or the end of the client stops what runs."""
    try:
        while True:
            message = packets.receive(connection)
            if message[0] == packets.ATTENTION:
                postgres.cancel_safe()
            asked.put(message)
    except packets.Disconnected:
        with suppress(psycopg.Error):
            postgres.cancel_safe()
        asked.put(None)


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint: its port, and the file of the batches it heard."""

    port: int
    heard: Path

    def batches(self) -> list[str]:
        """One example of each batch."""
        return [json.loads(line) for line in self.heard.read_text().splitlines()]


@contextmanager
def tds_endpoint(postgres: str, heard: Path) -> Iterator[Endpoint]:
    """Run an endpoint in front of the PostgreSQL that the connection string names."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.tds.endpoint", postgres, str(heard)]
    server = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield Endpoint(int(server.stdout.readline()), heard)
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    serving = Server(sys.argv[1], Path(sys.argv[2]))
    print(serving.port, flush=True)
    serving.listen()
