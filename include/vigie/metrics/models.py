"""The champions and how good they are, from what looks at models have kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, and_, func, select

from vigie.metrics.sources import Sample
from vigie.monitoring.record import newest_check, newest_days
from vigie.warehouse.core import model_check, model_event, model_version


def model_samples(connection: Connection, models: Sequence[str]) -> Iterator[Sample]:
    """Of each model that has any."""
    yield from _champions(connection)
    yield from _looks(connection)
    for model in models:
        yield from _of_model(connection, model)


def _champions(connection: Connection) -> Iterator[Sample]:
    e, v = model_event.c, model_version.c
    made = e.kind.in_(("promoted", "returned"))
    last = select(func.max(e.event_id).label("event_id")).where(made).group_by(e.model).subquery()
    of_version = and_(v.model == e.model, v.version == e.version)
    query = select(e.model, e.version, v.created_at).select_from(
        model_event.join(last, last.c.event_id == e.event_id).join(model_version, of_version)
    )
    for row in connection.execute(query):
        yield Sample("vigie_model_version", (row.model,), row.version)
        trained = row.created_at.timestamp()
        yield Sample("vigie_model_trained_timestamp_seconds", (row.model,), trained)


def _of_model(connection: Connection, model: str) -> Iterator[Sample]:
    overall = [day for day in newest_days(connection, model, limit=1) if day.version is None]
    for day in overall:
        yield Sample("vigie_model_rolling_mae", (model,), day.rolling_mae)
        yield Sample("vigie_model_rolling_bias", (model,), day.rolling_bias)
    check = newest_check(connection, model)
    if check is not None:
        yield Sample("vigie_model_drift_threshold", (model,), check.drift_above)


def _looks(connection: Connection) -> Iterator[Sample]:
    t = model_check.c
    for model, looked in connection.execute(select(t.model, func.max(t.at)).group_by(t.model)):
        yield Sample("vigie_model_checked_timestamp_seconds", (model,), looked.timestamp())
