"""Removes what ended launches left in the worker's folder."""

from __future__ import annotations

import shutil

from sqlalchemy import Engine, select

from vigie.supervision.output import worker_folder
from vigie.warehouse.core import launch

KEPT = 5


def remove_old_folders(engine: Engine, feed: str) -> None:
    """Remove the worker folders of a feed's ended launches, but the last five."""
    statement = (
        select(launch.c.submission_id)
        .where(launch.c.feed == feed, launch.c.ended_at.is_not(None))
        .where(launch.c.submission_id.is_not(None))
        .order_by(launch.c.launch.desc())
    )
    with engine.connect() as connection:
        submissions = connection.scalars(statement).all()
    for submission in submissions[KEPT:]:
        # A folder on another machine, or gone already, is nobody's loss.
        shutil.rmtree(worker_folder(submission), ignore_errors=True)
