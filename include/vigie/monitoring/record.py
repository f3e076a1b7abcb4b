"""What looks at models found, kept in `ops` and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, case, column, delete, func, insert, select, table

from vigie.warehouse.core import model_check, model_input
from vigie.warehouse.moments import Ago
from vigie.warehouse.types import UtcNow

Outcome = Literal["quiet", "drift", "no champion", "returned", "registry away"]
_KEPT = timedelta(days=90)
EMITTED: tuple[Outcome, ...] = ("drift", "no champion")
"""Outcomes that ask for a training."""


@dataclass(frozen=True)
class Check:
    """One look at a model.

    `event_time` is the newest stored of its feed, `version` the champion then, `error` the mean
    absolute error of the `labels` that became known in the three days before, in the target's unit.
    """

    model: str
    event_time: datetime
    version: int | None
    labels: int
    error: float | None
    drift_above: float
    outcome: Outcome
    reason: str

    @property
    def emits(self) -> bool:
        """Whether it asks for a training."""
        return self.outcome in EMITTED


@dataclass(frozen=True)
class Day:
    """The errors of a version, or of all (None), on a day and over the three that end with it."""

    model: str
    version: int | None
    event_date: date
    predictions: int
    mae: float
    rmse: float
    bias: float
    rolling_mae: float
    rolling_rmse: float
    rolling_bias: float


def keep(connection: Connection, check: Check) -> None:
    """Keep a look at a model."""
    connection.execute(insert(model_check).values(asdict(check)))


def forget_old_checks(connection: Connection) -> int:
    """Remove looks that lie back more than 90 days by the clock; how many."""
    old = delete(model_check).where(model_check.c.at < Ago(_KEPT))
    return connection.execute(old).rowcount


def keep_inputs(
    connection: Connection, model: str, version: int, at: datetime, distances: Mapping[str, float]
) -> None:
    """Keep the distances of a champion's inputs."""
    key = {"model": model, "version": version, "event_time": at}
    if distances:
        rows = [{**key, "field": field, "distance": d} for field, d in distances.items()]
        connection.execute(insert(model_input), rows)


def inputs_measured(connection: Connection, model: str, version: int) -> datetime | None:
    """The event time at which the inputs of a version were compared last."""
    t = model_input.c
    query = select(func.max(t.event_time)).where(t.model == model, t.version == version)
    found: datetime | None = connection.scalar(query)
    return found


@dataclass(frozen=True)
class Emission:
    """For which event time a training was asked for, and how long ago by the database's clock."""

    event_time: datetime
    ago: timedelta

    def __str__(self) -> str:
        return f"{self.event_time:%Y-%m-%d %H:%M}"


def last_emission(connection: Connection, model: str) -> Emission | None:
    """When a training was asked for last."""
    t = model_check.c
    query = (
        select(t.event_time, t.at, UtcNow().label("now"))
        .where(t.model == model, t.outcome.in_(EMITTED))
        .order_by(t.check_id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Emission(row.event_time, row.now - row.at)


def newest_check(connection: Connection, model: str) -> Check | None:
    """The last look at a model."""
    t = model_check.c
    columns = [t[name] for name in Check.__dataclass_fields__]
    query = select(*columns).where(t.model == model).order_by(t.check_id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Check(**row._mapping)


def newest_inputs(connection: Connection, model: str) -> Mapping[str, float]:
    """The newest distances of a model's inputs, the largest first."""
    t = model_input.c
    newest = select(func.max(t.event_time)).where(t.model == model).scalar_subquery()
    query = select(t.field, t.distance).where(t.model == model, t.event_time == newest)
    return {
        row.field: row.distance for row in connection.execute(query.order_by(t.distance.desc()))
    }


def newest_days(connection: Connection, model: str, *, limit: int) -> Sequence[Day]:
    """The errors of the newest days of event time that have any, newest first."""
    view = table("model_error", *map(column, Day.__dataclass_fields__), schema="report")
    t = view.c
    dates = select(t.event_date).where(t.model == model).distinct()
    newest = dates.order_by(t.event_date.desc()).limit(limit)
    rows = connection.execute(
        select(view)
        .where(t.model == model, t.event_date.in_(newest))
        # A database decides by itself where null stands.
        .order_by(t.event_date.desc(), case((t.version.is_(None), 1), else_=0), t.version)
    )
    return [Day(**row._mapping) for row in rows]
