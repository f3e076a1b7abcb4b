"""What schema `report` holds for a feed in PostgreSQL: views, and functions they call.

They hold no data, so a change drops them all and makes them anew, in the order given here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from vigie.contract.feed import Feed
from vigie.warehouse.postgres.views import base_views, window_views
from vigie.warehouse.postgres.windows import windows_function

_BODIES = text(
    "SELECT p.proname, p.prosrc FROM pg_proc p WHERE p.pronamespace = 'report'::regnamespace"
)


@dataclass(frozen=True)
class ReportObject:
    """A view (`sql` is its SELECT) or a table function (`sql` is its body)."""

    kind: Literal["view", "function"]
    name: str
    sql: str
    signature: str = ""

    @property
    def create(self) -> str:
        """The statement that makes it."""
        if self.kind == "view":
            return f"CREATE VIEW report.{self.name} AS\n{self.sql}"
        return (
            f"CREATE FUNCTION report.{self.name}{self.signature}\n"
            f"LANGUAGE sql STABLE PARALLEL SAFE AS $$\n{self.sql}\n$$"
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
        yield ReportObject("view", name, sql)
    if feed.windows.sliding:
        signature, body = windows_function(feed)
        yield ReportObject("function", f"{feed.name}_windows", body, signature)
        for name, sql in window_views(feed).items():
            yield ReportObject("view", name, sql)
