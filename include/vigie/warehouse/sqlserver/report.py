"""What schema `report` holds for a feed in SQL Server: views, and functions they call."""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.feed import Feed
from vigie.warehouse.ddl import ReportObject
from vigie.warehouse.sqlserver.views import base_views, window_views
from vigie.warehouse.sqlserver.windows import SIGNATURE, windows_body


def report_objects(feed: Feed) -> tuple[ReportObject, ...]:
    """The feed's views and functions; each reads only those before it."""
    return tuple(_objects(feed))


def _objects(feed: Feed) -> Iterator[ReportObject]:
    for name, sql in base_views(feed).items():
        yield _view(name, sql)
    if feed.windows.sliding:
        name, body = f"{feed.name}_windows", windows_body(feed)
        create = f"CREATE FUNCTION report.{name} {SIGNATURE}\nAS RETURN\n{body}"
        yield ReportObject("function", name, body, create, SIGNATURE)
        for view, sql in window_views(feed).items():
            yield _view(view, sql)


def _view(name: str, sql: str) -> ReportObject:
    return ReportObject("view", name, sql, f"CREATE VIEW report.{name} AS\n{sql}")
