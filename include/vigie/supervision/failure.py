"""The error that a driver, or its submission, left in its launch row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from vigie.supervision.rows import newest_of
from vigie.warehouse.core import launch


@dataclass(frozen=True)
class Failure:
    """Class and message of the error, and the last lines the driver printed."""

    launch: int
    error_class: str
    message: str
    tail: str = ""


def last_failure(connection: Connection, feed: str) -> Failure | None:
    """The error of the newest launch that has one, unless a later launch has committed."""
    return last_failures(connection, [feed]).get(feed)


def last_failures(connection: Connection, feeds: Sequence[str]) -> dict[str, Failure]:
    """The same of many feeds; one without such an error is left out."""
    if not feeds:
        return {}
    t = launch.c
    told = t.error_class.is_not(None) | t.first_commit_at.is_not(None)
    newest = newest_of(feeds, t.launch, told)
    is_newest = (t.feed == newest.c.feed) & (t.launch == newest.c.newest)
    columns = [t.feed, t.launch, t.error_class, t.error_message, t.error_tail]
    rows = connection.execute(select(*columns).join_from(newest, launch, is_newest))
    return {
        row.feed: Failure(
            row.launch, row.error_class, row.error_message or "", row.error_tail or ""
        )
        for row in rows
        if row.error_class is not None
    }
