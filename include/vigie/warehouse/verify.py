"""Names every difference between the contracts, the migration files and the live database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, MetaData, Table, inspect, select

from vigie.contract.feed import Feed
from vigie.errors import MigrationError
from vigie.settings import get_settings
from vigie.warehouse import core, model_errors, models
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.migrate import migration_files
from vigie.warehouse.postgres.report import function_bodies, report_objects


def drift(feeds: Iterable[Feed], engine: Engine | None = None) -> list[str]:
    """One line per difference; none means that the database is what the contracts say."""
    engine = engine or get_engine("owner")
    return [*_migrations(engine), *_core(engine), *(d for f in feeds for d in _feed(f, engine))]


def require_tables(feed: Feed, engine: Engine) -> None:
    """Return if the fact tables of a feed are what its contract says.

    Raises:
        MigrationError: They are not; each difference is named.
    """
    found = list(_tables(feed, engine))
    if found:
        message = (
            f"{feed.name}: the warehouse does not fit the contract: {'; '.join(found)}. Nothing "
            "was read; run `vigie warehouse plan`, then `vigie warehouse apply`"
        )
        raise MigrationError(message)


def _migrations(engine: Engine) -> Iterator[str]:
    with engine.connect() as connection:
        rows = connection.execute(select(core.migration.c.name, core.migration.c.checksum))
        applied = {row.name: row.checksum for row in rows}
    files = {file.name: file for file in migration_files(get_settings().ddl / engine.dialect.name)}
    for name in files.keys() - applied.keys():
        yield f"migration {name}: not applied; run `vigie warehouse apply`"
    for name in applied.keys() - files.keys():
        yield f"migration {name}: applied, but its file is gone"
    for name in files.keys() & applied.keys():
        if files[name].checksum != applied[name]:
            yield f"migration {name}: the file changed after it ran"


def _core(engine: Engine) -> Iterator[str]:
    for part in (core, models, model_errors):
        for table in part.metadata.sorted_tables:
            yield from _table(table, engine)


def _tables(feed: Feed, engine: Engine) -> Iterator[str]:
    for table in feed_tables(feed):
        yield from _table(table, engine)


def _feed(feed: Feed, engine: Engine) -> Iterator[str]:
    yield from _tables(feed, engine)
    views = set(inspect(engine).get_view_names(schema="report"))
    with engine.connect() as connection:
        bodies = function_bodies(connection)
    for made in report_objects(feed):
        if made.name not in (views if made.kind == "view" else bodies):
            yield f"report.{made.name}: missing {made.kind}"
        elif made.kind == "function" and bodies[made.name] != made.sql:
            yield f"report.{made.name}: its body is not what the contract says"


def _table(table: Table, engine: Engine) -> Iterator[str]:
    if not inspect(engine).has_table(table.name, schema=table.schema):
        yield f"{table.fullname}: missing table"
        return
    live = Table(table.name, MetaData(), schema=table.schema, autoload_with=engine)
    for column in table.columns:
        if column.name not in live.columns:
            yield f"{table.fullname}.{column.name}: missing column"
            continue
        found = live.columns[column.name]
        for what, want, have in (
            ("type", column.type.compile(engine.dialect), found.type.compile(engine.dialect)),
            ("nullable", column.nullable, found.nullable),
            ("key", column.primary_key, found.primary_key),
        ):
            if want != have:
                yield f"{table.fullname}.{column.name}: {what} is {have}, expected {want}"
    # Columns of fields that left their contract stay, unless new rows cannot do without them.
    for column in live.columns:
        if column.name not in table.columns and not column.nullable and not column.server_default:
            yield f"{table.fullname}.{column.name}: required column no contract fills"
