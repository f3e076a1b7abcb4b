"""The error that a driver, or its submission, left in its launch row."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

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
    columns = [launch.c.launch, launch.c.error_class, launch.c.error_message, launch.c.error_tail]
    told = launch.c.error_class.is_not(None) | launch.c.first_commit_at.is_not(None)
    newest = select(*columns).where(launch.c.feed == feed, told).order_by(launch.c.launch.desc())
    row = connection.execute(newest.limit(1)).one_or_none()
    if row is None or row.error_class is None:
        return None
    return Failure(row.launch, row.error_class, row.error_message or "", row.error_tail or "")
