"""Runs the migration files a database lacks: in order, under a lock, one transaction each."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

_LOCK = 7_164_430


@dataclass(frozen=True)
class MigrationFile:
    """One committed file; `checksum` is the SHA-256 of its text."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, as hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


def migration_files(folder: Path) -> list[MigrationFile]:
    """The committed files of one dialect's folder, in order of their numbers."""
    return [
        MigrationFile(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.sql"))
    ]


def apply(engine: Engine | None = None, folder: Path | None = None) -> list[str]:
    """Run every file the database lacks and return their names.

    Safe to call from several processes at once: a lock lets one through at a time.

    Raises:
        MigrationError: A file that ran has changed since, or a file fails; it is named, and the
            database is left as the file before left it.
    """
    engine = engine or get_engine("owner")
    files = migration_files(folder or get_settings().ddl / engine.dialect.name)
    if not files:
        message = f"no migration files for {engine.dialect.name}; expected them in {folder}"
        raise MigrationError(message)
    # Outside any transaction: a session that is idle inside one is ended after 30 seconds.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as lock:
        lock.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            done = _applied(engine)
            _refuse_changed(files, done)
            return [_run(engine, file) for file in files if file.name not in done]
        finally:
            lock.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


def _applied(engine: Engine) -> dict[str, str]:
    with engine.begin() as connection:
        if not inspect(connection).has_table("migration", schema="ops"):
            _create_journal(connection)
        rows = connection.execute(select(core.migration.c.name, core.migration.c.checksum))
        return {row.name: row.checksum for row in rows}


def _create_journal(connection: Connection) -> None:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
    core.migration.create(connection)


def _refuse_changed(files: list[MigrationFile], done: dict[str, str]) -> None:
    for file in files:
        if file.name in done and done[file.name] != file.checksum:
            message = (
                f"migration {file.name}: the file changed after it ran here "
                f"(checksum {file.checksum[:12]}, recorded {done[file.name][:12]}); "
                "restore it and put the change into a new file"
            )
            raise MigrationError(message)


def _run(engine: Engine, file: MigrationFile) -> str:
    try:
        with engine.begin() as connection:
            # The driver's own cursor: several statements in one call, and no `%` is a parameter.
            connection.connection.cursor().execute(file.sql)
            row = {"name": file.name, "checksum": file.checksum}
            connection.execute(insert(core.migration).values(row))
    except Exception as error:
        message = f"migration {file.name} failed and was rolled back: {error}"
        raise MigrationError(message) from error
    return file.name
