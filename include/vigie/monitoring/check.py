"""One look at a model: how it does, whether to train it, whether it should make way."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from vigie.contract.feed import Feed, Model
from vigie.errors import OtherFeatures, RegistryAway
from vigie.modelling.cadence import LATELY
from vigie.modelling.champions import return_to_previous
from vigie.modelling.learned import LearnedModel, find_model
from vigie.modelling.readings import Numbers, Times
from vigie.modelling.registry import CHAMPION, find_release
from vigie.modelling.versions import Release
from vigie.monitoring import ask
from vigie.monitoring.by_day import sum_up_days
from vigie.monitoring.inputs import measure_inputs
from vigie.monitoring.predecessor import worse_than_before
from vigie.monitoring.predictions import as_moment, known_errors
from vigie.monitoring.record import Check, Outcome, keep
from vigie.warehouse.engines import get_engine
from vigie.warehouse.event_time import newest_event_time


def check_model(name: str) -> Check | None:
    """Look at a model and keep what was found; None if its feed has no reading yet.

    A champion that does worse than the version before it makes way.

    Raises:
        ModelError: There is no such model, or its champion cannot be loaded.
        sqlalchemy.exc.DBAPIError: The warehouse does not answer.
    """
    model, feed, block = find_model(name)
    engine = get_engine()
    with engine.connect() as connection:
        now = newest_event_time(connection, feed)
    if now is None:
        return None
    sum_up_days(engine, feed, block, now)
    errors, known = _lately(feed, block, now)
    champion, outcome, reason = _judge(model, feed, block, now, errors, known)
    found = Check(
        model=name,
        event_time=now,
        version=champion.version if champion else None,
        labels=len(errors),
        error=float(np.mean(errors)) if len(errors) else None,
        drift_above=model.drift_above,
        outcome=outcome,
        reason=reason,
    )
    with engine.begin() as connection:
        keep(connection, found)
    return found


def _lately(feed: Feed, block: Model, now: datetime) -> tuple[Numbers, Times]:
    """Errors of the labels that became known in the last three days, and when they did."""
    end = now - block.label_delay
    begin = end - timedelta(seconds=int(LATELY / np.timedelta64(1, "s")))
    with get_engine().connect() as connection:
        errors, known = known_errors(connection, feed, block, begin, end)
    late = known > as_moment(now) - LATELY
    return errors[late], known[late]


def _judge(
    model: LearnedModel,
    feed: Feed,
    block: Model,
    now: datetime,
    errors: Numbers,
    known: Times,
) -> tuple[Release | None, Outcome, str]:
    engine = get_engine()
    try:
        champion = find_release(block.name, CHAMPION)
        if champion is None:
            with engine.connect() as connection:
                return (None, *ask.for_first(connection, feed, block, now))
        with engine.begin() as connection:
            measure_inputs(connection, feed, model.inputs, champion, now)
        if worse := worse_than_before(model, feed, block, champion, now):
            return_to_previous(block.name, reason=worse)
            return champion, "returned", worse
    except OtherFeatures as other:
        with engine.connect() as connection:
            outcome, reason = ask.for_first(connection, feed, block, now)
        return champion, outcome, f"{other}; {reason}"
    except RegistryAway as away:
        return None, "registry away", str(away)
    with engine.connect() as connection:
        above = model.drift_above
        return (champion, *ask.for_drift(connection, block.name, errors, known, now, above))
