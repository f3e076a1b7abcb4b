"""What the pages of models show: what was said, what was true, and how good each version is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Connection,
    Date,
    Integer,
    TableClause,
    case,
    column,
    func,
    select,
    table,
)

from vigie.contract.feed import Model
from vigie.dashboards.queries.frames import read_frame
from vigie.dashboards.queries.views import AT
from vigie.warehouse.core import model_event, model_version
from vigie.warehouse.types import LONG_TEXT, NAME, NUMBER, SENSOR, TIME

BASELINES = ("yesterday", "last_week")
_SAID = ("predicted", "actual", "residual")
_MOST_POINTS = 20_000
_NEWEST = 50

_error = table(
    "model_error",
    *(column("model", NAME), column("version", Integer()), column("event_date", Date())),
    column("predictions", BigInteger()),
    *(column(name, NUMBER) for name in ("mae", "rmse", "bias", "rolling_mae")),
    schema="report",
)


def read_newest_said(connection: Connection, model: Model) -> datetime | None:
    """The newest moment of which the model said something."""
    source = _said(model)
    newest: datetime | None = connection.scalar(select(func.max(source.c.event_time)))
    return newest


def read_said(
    connection: Connection, model: Model, sensors: Sequence[str], begin: datetime, end: datetime
) -> pd.DataFrame:
    """Predicted, actual and residual after `begin`, up to `end`, with `AT`, `sensor`, version.

    A forecast has also what was measured a day and a week before.
    """
    source = _said(model)
    at = source.c.event_time
    others = [each for each in source.c if each.name not in ("sensor", "event_time")]
    query = select(source.c.sensor, at.label(AT), *others).where(
        source.c.sensor.in_(sensors), at > begin, at <= end
    )
    return read_frame(connection, query.order_by(at.desc()).limit(_MOST_POINTS))


def read_said_sensors(
    connection: Connection, model: Model, begin: datetime, end: datetime
) -> list[str]:
    """The sensors of which the model said something in a time, by name."""
    source = _said(model)
    t = source.c
    within = (t.event_time > begin, t.event_time <= end)
    found = select(t.sensor).where(*within).distinct().order_by(t.sensor)
    return list(connection.execute(found).scalars())


def read_errors(connection: Connection, model: Model) -> pd.DataFrame:
    """Errors by day of event time and version, oldest first; without the lines of all versions."""
    t = _error.c
    columns = (t.event_date, t.version, t.predictions, t.mae, t.rmse, t.bias, t.rolling_mae)
    of_versions = select(*columns).where(t.model == model.name, t.version.is_not(None))
    found = read_frame(connection, of_versions.order_by(t.event_date, t.version))
    found[AT] = pd.to_datetime(found.pop("event_date"), utc=True)
    return found


def read_versions(connection: Connection, model: Model) -> pd.DataFrame:
    """The newest versions: what each was trained on, and when it became champion last."""
    t, e = model_version.c, model_event.c
    champion = func.max(case((e.kind.in_(("promoted", "returned")), e.at)))
    since = (
        select(champion)
        .where(e.model == t.model, e.version == t.version)
        .correlate(model_version)
        .scalar_subquery()
    )
    columns = (t.version, t.trained_begin, t.trained_end, t.trained_rows, t.created_at)
    newest = select(*columns, since.label("champion_since")).where(t.model == model.name)
    found = read_frame(connection, newest.order_by(t.version.desc()).limit(_NEWEST))
    found["champion_since"] = pd.to_datetime(found["champion_since"], utc=True)
    return found


def _said(model: Model) -> TableClause:
    """The view of what a model said of readings, or of the half hours of the day ahead."""
    kind = "prediction" if model.scored == "stream" else "forecast"
    baselines = BASELINES if model.scored == "nightly" else ()
    return table(
        f"{model.name}_{kind}",
        *(column("sensor", SENSOR), column("event_time", TIME)),
        *(column(name, NUMBER) for name in (*_SAID, *baselines)),
        *(column("model_version", Integer()), column("reason", LONG_TEXT)),
        schema="report",
    )
