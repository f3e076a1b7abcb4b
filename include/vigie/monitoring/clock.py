"""How far event time went since a model was looked at; needs no model, and so no scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from vigie.contract.feed import Feed
from vigie.warehouse.core import model_check
from vigie.warehouse.event_time import newest_event_time
from vigie.warehouse.types import UtcNow

STEP = timedelta(hours=1)
"""A model is looked at again once event time moved on by so much,"""
STILL = timedelta(hours=1)
"""or after so long by the database's clock,"""
AWAY = timedelta(minutes=1)
"""or after so long where the registry did not answer."""


@dataclass(frozen=True)
class Due:
    """A model to look at: the newest event time of its feed, and the last look (0: never)."""

    model: str
    event_time: datetime
    last_check: int


def due_models(connection: Connection, feeds: Iterable[Feed]) -> Mapping[str, Due]:
    """The models of these feeds that should be looked at now, by name."""
    due: dict[str, Due] = {}
    for feed in feeds:
        now = newest_event_time(connection, feed) if feed.model else None
        if feed.model is None or now is None:
            continue
        t = model_check.c
        query = (
            select(t.check_id, t.event_time, t.outcome, t.at, UtcNow().label("now"))
            .where(t.model == feed.model.name)
            .order_by(t.check_id.desc())
            .limit(1)
        )
        last = connection.execute(query).one_or_none()
        patience = AWAY if last and last.outcome == "registry away" else STILL
        if last is None or last.now - last.at >= patience or now - last.event_time >= STEP:
            due[feed.model.name] = Due(feed.model.name, now, last.check_id if last else 0)
    return due
