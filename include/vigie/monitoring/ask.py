"""Whether a training should be asked for, once for the same data."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, func, select

from vigie.contract.feed import Feed, Model
from vigie.modelling.cadence import has_drifted
from vigie.modelling.readings import Numbers, Times
from vigie.modelling.train import HELD_BACK, LEAST
from vigie.monitoring.predictions import as_moment
from vigie.monitoring.record import Outcome, last_emission
from vigie.warehouse.feed_tables import feed_tables

_EVENT_DAY = timedelta(days=1)
"""A drift asks again only when event time went on by so much, as a backtest trains once a day."""
_SOON = timedelta(minutes=1)
_STILL = timedelta(hours=1)
"""A training that left no champion is asked for again after so long, though no reading came."""


def for_drift(
    connection: Connection,
    name: str,
    errors: Numbers,
    known: Times,
    now: datetime,
    above: float,
) -> tuple[Outcome, str]:
    """Ask where the errors of labels that became known lately are too large."""
    if not has_drifted(errors, known, as_moment(now), above):
        return "quiet", "no drift" if len(errors) else "no label became known lately"
    words = f"error {np.mean(errors):.4g} of the last three days' labels is above {above:g}"
    last = last_emission(connection, name)
    if last and now - last.event_time < _EVENT_DAY:
        return "quiet", f"{words}; a training was asked for at {last}"
    return "drift", words


def for_first(
    connection: Connection, feed: Feed, block: Model, now: datetime
) -> tuple[Outcome, str]:
    """Ask for the first training once there are enough readings before the week that judges."""
    week = timedelta(seconds=int(HELD_BACK / np.timedelta64(1, "s")))
    rows = _labels_until(connection, feed, block, now - block.label_delay - week)
    if rows < LEAST:
        words = f"there is too little to train on: {rows} of {LEAST} labels before the newest week"
        return "quiet", f"no champion can be used, and {words}"
    last = last_emission(connection, block.name)
    if last and last.ago < _STILL and (last.ago < _SOON or now - last.event_time < _EVENT_DAY):
        return "quiet", f"no champion can be used; a training was asked for at {last}"
    return "no champion", "there is data, and no champion that can be used"


def _labels_until(connection: Connection, feed: Feed, block: Model, end: datetime) -> int:
    """How many labels there are up to `end`, but no more than a training needs."""
    t = feed_tables(feed).reading.c
    some = select(t.event_time).where(t.event_time <= end, t[block.target].is_not(None))
    return connection.scalar(select(func.count()).select_from(some.limit(LEAST).subquery())) or 0
