"""Runs the migration files a database lacks: in order, under a lock, one transaction each."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, insert, select

from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.all_ddl import ddl_of
from vigie.warehouse.ddl import Ddl
from vigie.warehouse.engines import get_engine


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
    ddl = ddl_of(engine)
    folder = folder or get_settings().ddl / ddl.name
    files = migration_files(folder)
    if not files:
        message = f"no migration files for {ddl.name}; expected them in {folder} (VIGIE_DDL)"
        raise MigrationError(message)
    # Outside any transaction: a session that is idle inside one is ended after 30 seconds.
    autocommit = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with autocommit as connection, ddl.lock(connection):
        done = _applied(engine, ddl)
        _refuse_changed(files, done)
        return [_run(engine, ddl, file) for file in files if file.name not in done]


def _applied(engine: Engine, ddl: Ddl) -> dict[str, str]:
    with engine.begin() as connection:
        if not ddl.has_journal(connection):
            ddl.create_ops(connection)
            core.migration.create(connection)
        rows = connection.execute(select(core.migration.c.name, core.migration.c.checksum))
        return {row.name: row.checksum for row in rows}


def _refuse_changed(files: list[MigrationFile], done: dict[str, str]) -> None:
    for file in files:
        if file.name in done and done[file.name] != file.checksum:
            message = (
                f"migration {file.name}: the file changed after it ran here "
                f"(checksum {file.checksum[:12]}, recorded {done[file.name][:12]}); "
                "restore it and put the change into a new file"
            )
            raise MigrationError(message)


def _run(engine: Engine, ddl: Ddl, file: MigrationFile) -> str:
    try:
        with engine.begin() as connection:
            # The driver's own cursor: several statements in one call, and no `%` is a parameter.
            cursor = connection.connection.cursor()
            for batch in ddl.batches(file.sql):
                cursor.execute(batch)
            row = {"name": file.name, "checksum": file.checksum}
            connection.execute(insert(core.migration).values(row))
    except Exception as error:
        message = f"migration {file.name} failed and was rolled back: {error}"
        raise MigrationError(message) from error
    return file.name
