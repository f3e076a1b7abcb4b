"""How far a model's inputs have moved from what its champion was trained on.

The Kolmogorov-Smirnov distance of two samples (scipy, which scikit-learn brings): the largest
difference between their distributions, 0 (alike) to 1 (apart), in no unit and without bins. Its
p-value is left alone: readings that follow one another are no independent draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, Double, cast, func, select

from vigie.contract.feed import Feed
from vigie.modelling.readings import Numbers
from vigie.modelling.versions import Release
from vigie.monitoring.record import inputs_measured, keep_inputs
from vigie.warehouse.core import model_version
from vigie.warehouse.feed_tables import feed_tables

SAMPLE = 5000
"""Readings, about, that stand for a span of time."""
_BLOCK = 64
"""Readings next to each other in Kafka are taken or left together, so that no sensor is missed."""

_LATELY = timedelta(days=3)
_EVERY = timedelta(days=1)

Span = tuple[datetime, datetime]
"""Event times, both ends included."""


def measure_inputs(
    connection: Connection, feed: Feed, inputs: Sequence[str], champion: Release, now: datetime
) -> None:
    """Compare the last three days with what the champion was trained on, and keep the distances.

    It does so once per day of event time.
    """
    measured = inputs_measured(connection, champion.model, champion.version)
    if measured is not None and now - measured < _EVERY:
        return
    t = model_version.c
    same = (t.model == champion.model, t.version == champion.version)
    trained = connection.execute(select(t.trained_begin, t.trained_end).where(*same)).one()
    span = (trained.trained_begin, trained.trained_end)
    distances = input_distances(connection, feed, inputs, span, (now - _LATELY, now))
    keep_inputs(connection, champion.model, champion.version, now, distances)


def input_distances(
    connection: Connection, feed: Feed, inputs: Sequence[str], trained: Span, lately: Span
) -> Mapping[str, float]:
    """The distance of each input that has values in both spans."""
    # Here, since it takes a good part of a second that who only reads figures need not wait.
    from scipy.stats import ks_2samp

    before, after = (_sample(connection, feed, inputs, span) for span in (trained, lately))
    return {
        name: float(ks_2samp(before[name], after[name], method="asymp").statistic)
        for name in inputs
        if len(before[name]) and len(after[name])
    }


def _sample(
    connection: Connection, feed: Feed, inputs: Sequence[str], span: Span
) -> Mapping[str, Numbers]:
    t = feed_tables(feed).reading.c
    within = (t.event_time >= span[0], t.event_time <= span[1])
    count = connection.scalar(select(func.count(t.event_time)).where(*within)) or 0
    every = max(1, count // SAMPLE)
    query = select(*(cast(t[name], Double) for name in inputs)).where(*within)
    rows = connection.execute(query.where((t.kafka_offset // _BLOCK) % every == 0)).all()
    table = np.array(rows, np.float64).reshape(len(rows), len(inputs))
    return {name: table[np.isfinite(table[:, i]), i] for i, name in enumerate(inputs)}
