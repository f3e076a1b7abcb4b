"""Names every difference between the contracts, the migration files and the live database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, Engine, Table, select

from vigie.contract.feed import Feed
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.all_ddl import ddl_of
from vigie.warehouse.ddl import Ddl
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.migrate import migration_files


def drift(feeds: Iterable[Feed], engine: Engine | None = None) -> list[str]:
    """One line per difference; none means that the database is what the contracts say."""
    engine = engine or get_engine("owner")
    ddl = ddl_of(engine)
    with engine.connect() as connection:
        return [
            *_migrations(connection, ddl),
            *_core(connection, ddl),
            *(line for feed in feeds for line in _feed(feed, connection, ddl)),
        ]


def require_tables(feed: Feed, engine: Engine) -> None:
    """Return if the fact tables of a feed are what its contract says.

    Raises:
        MigrationError: They are not; each difference is named.
    """
    ddl = ddl_of(engine)
    with engine.connect() as connection:
        found = [line for table in feed_tables(feed) for line in _table(table, connection, ddl)]
    if found:
        message = (
            f"{feed.name}: the warehouse does not fit the contract: {'; '.join(found)}. Nothing "
            "was read; run `vigie warehouse plan`, then `vigie warehouse apply`"
        )
        raise MigrationError(message)


def _migrations(connection: Connection, ddl: Ddl) -> Iterator[str]:
    rows = connection.execute(select(core.migration.c.name, core.migration.c.checksum))
    applied = {row.name: row.checksum for row in rows}
    files = {file.name: file for file in migration_files(get_settings().ddl / ddl.name)}
    for name in files.keys() - applied.keys():
        yield f"migration {name}: not applied; run `vigie warehouse apply`"
    for name in applied.keys() - files.keys():
        yield f"migration {name}: applied, but its file is gone"
    for name in files.keys() & applied.keys():
        if files[name].checksum != applied[name]:
            yield f"migration {name}: the file changed after it ran"


def _core(connection: Connection, ddl: Ddl) -> Iterator[str]:
    for table in core.metadata.sorted_tables:
        yield from _table(table, connection, ddl)


def _feed(feed: Feed, connection: Connection, ddl: Ddl) -> Iterator[str]:
    for table in ddl.tables(feed):
        yield from _table(table, connection, ddl)
    yield from ddl.report_drift(connection, ddl.report_objects(feed))


def _table(table: Table, connection: Connection, ddl: Ddl) -> Iterator[str]:
    live = ddl.live_columns(connection, table)
    if live is None:
        yield f"{table.fullname}: missing table"
        return
    for column in table.columns:
        name = str(column.name)
        if name not in live:
            yield f"{table.fullname}.{name}: missing column"
            continue
        found = live[name]
        for what, want, have in (
            ("type", column.type.compile(ddl.dialect), found.kind),
            ("nullable", column.nullable, found.nullable),
            ("key", column.primary_key, found.key),
        ):
            if want != have:
                yield f"{table.fullname}.{name}: {what} is {have}, expected {want}"
    # Columns of fields that left their contract stay, unless new rows cannot do without them.
    for name, found in live.items():
        if name not in table.columns and not found.nullable and not found.has_default:
            yield f"{table.fullname}.{name}: required column no contract fills"
