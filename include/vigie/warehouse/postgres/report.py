"""What schema `report` holds for a feed in PostgreSQL: views, and functions they call.

They hold no data, so a change drops them all and makes them anew, in the order given here.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from vigie.contract.feed import Feed
from vigie.warehouse.ddl import ReportObject
from vigie.warehouse.postgres.views import base_views, window_views
from vigie.warehouse.postgres.windows import windows_function

_BODIES = text(
    "SELECT p.proname, p.prosrc FROM pg_proc p WHERE p.pronamespace = 'report'::regnamespace"
)


def report_objects(feed: Feed) -> tuple[ReportObject, ...]:
    """The feed's views and functions; each reads only those before it."""
    return tuple(_objects(feed))


def function_bodies(connection: Connection) -> dict[str, str]:
    """The functions the database has in `report`: name → body."""
    return {name: body.strip() for name, body in connection.execute(_BODIES)}


def drop_statements(views: list[str], functions: list[str]) -> Iterator[str]:
    """Drop views and functions whatever the order they depend on each other in."""
    for kind, names in (("VIEW", views), ("FUNCTION", functions)):
        if names:
            yield f"DROP {kind} " + ",\n    ".join(f"report.{name}" for name in names)


def _objects(feed: Feed) -> Iterator[ReportObject]:
    for name, sql in base_views(feed).items():
        yield _view(name, sql)
    if feed.windows.sliding:
        name = f"{feed.name}_windows"
        signature, body = windows_function(feed)
        create = (
            f"CREATE FUNCTION report.{name}{signature}\n"
            f"LANGUAGE sql STABLE PARALLEL SAFE AS $$\n{body}\n$$"
        )
        yield ReportObject("function", name, body, create, signature)
        for view, sql in window_views(feed).items():
            yield _view(view, sql)


def _view(name: str, sql: str) -> ReportObject:
    return ReportObject("view", name, sql, f"CREATE VIEW report.{name} AS\n{sql}")
