"""What *Trends* shows of a range of time: from roll-ups, but for windows and alerts.

A mean over several roll-ups is weighted by how many values each has, as if taken from the readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Window
from vigie.dashboards.queries import views
from vigie.dashboards.queries.correlation import Correlation
from vigie.dashboards.queries.frames import read_frame
from vigie.warehouse.moments import UtcDate

_HOURS_UP_TO = timedelta(days=8)
_MOST_WINDOWS = 400
_MOST_SENSORS = 15


@dataclass(frozen=True)
class Range:
    """From `begin` up to `end` (exclusive), of some sensors; all of them if none is named."""

    begin: datetime
    end: datetime
    sensors: Sequence[str] = ()

    @property
    def period(self) -> views.Period:
        """The roll-ups that show it well: hours of days, days of months."""
        return "hourly" if self.end - self.begin <= _HOURS_UP_TO else "daily"

    @property
    def in_whole_units(self) -> Range:
        """The range cut where its roll-ups begin, so that as many lie in it as in the one before.

        A day that has not ended has none yet.
        """
        if self.period == "hourly":
            return self
        return Range(_midnight(self.begin), _midnight(self.end), self.sensors)

    @property
    def before(self) -> Range:
        """The range of the same length before it."""
        return Range(self.begin - (self.end - self.begin), self.begin, self.sensors)

    def holds(self, source: FromClause, at: str) -> list[ColumnElement[bool]]:
        """The conditions on a view whose moments are in the column `at`."""
        within = [source.c[at] >= self.begin, source.c[at] < self.end]
        return [*within, source.c.sensor.in_(self.sensors)] if self.sensors else within


def read_evolution(
    connection: Connection, feed: Feed, chosen: Range, fields: Sequence[str]
) -> pd.DataFrame:
    """Each hour or day of all sensors together: `AT`, and for each field mean, `_min`, `_max`."""
    source = views.roll_up(feed, chosen.period)
    at = source.c[views.STARTS[chosen.period]]
    columns = _summary(source, fields)
    query = select(at.label(views.AT), *columns).where(*chosen.holds(source, at.name))
    return read_frame(connection, query.group_by(at).order_by(at))


def read_overall(
    connection: Connection, feed: Feed, chosen: Range, fields: Sequence[str]
) -> pd.DataFrame:
    """One row of the whole range of all sensors together: for each field as above."""
    source = views.roll_up(feed, chosen.period)
    columns = _summary(source, fields)
    query = select(*columns).where(*chosen.holds(source, views.STARTS[chosen.period]))
    return read_frame(connection, query)


def read_by_sensor(
    connection: Connection, feed: Feed, chosen: Range, fields: Sequence[str]
) -> pd.DataFrame:
    """The whole range of each sensor: `sensor`, `readings`, and for each field as above."""
    source = views.roll_up(feed, chosen.period)
    columns = _summary(source, fields)
    query = select(source.c.sensor, func.sum(source.c.readings).label("readings"), *columns)
    query = query.where(*chosen.holds(source, views.STARTS[chosen.period]))
    return read_frame(connection, query.group_by(source.c.sensor).order_by(source.c.sensor))


def read_windows(
    connection: Connection, feed: Feed, chosen: Range, fields: Sequence[str], window: Window
) -> pd.DataFrame:
    """Means of the last sliding windows of the range: `sensor`, `AT` (the end), and the fields."""
    begin = max(chosen.begin, chosen.end - _MOST_WINDOWS * window.slide)
    source = views.windows(feed, begin, chosen.end)
    means = [source.c[f"{name}_mean"].label(name) for name in fields]
    query = select(source.c.sensor, source.c.window_end.label(views.AT), *means).where(
        source.c.window_length == format_duration(window.length),
        source.c.sensor.in_(chosen.sensors),
    )
    return read_frame(connection, query.order_by(source.c.window_end))


def read_alerts_by_day(connection: Connection, feed: Feed, chosen: Range) -> pd.DataFrame:
    """How many readings each rule flagged on each day: `AT`, `rule`, `severity`, `count`."""
    source = views.alert(feed)
    day = UtcDate(source.c.event_time)
    counted = select(
        day.label("day"), source.c.rule, source.c.severity, func.count().label("count")
    ).where(*chosen.holds(source, "event_time"))
    grouped = counted.group_by(day, source.c.rule, source.c.severity).order_by(day)
    found = read_frame(connection, grouped)
    found[views.AT] = pd.to_datetime(found.pop("day"), utc=True)
    return found


def read_alerts_by_sensor(connection: Connection, feed: Feed, chosen: Range) -> pd.DataFrame:
    """The sensors with most flagged readings: `sensor`, `rule`, `severity`, `count`."""
    source = views.alert(feed)
    t = source.c
    counted = select(t.sensor, t.rule, t.severity, func.count().label("count"))
    grouped = counted.where(*chosen.holds(source, "event_time")).group_by(
        t.sensor, t.rule, t.severity
    )
    found = read_frame(connection, grouped)
    totals = found.groupby("sensor")["count"].sum().sort_values(ascending=False)
    return found[found["sensor"].isin(totals.head(_MOST_SENSORS).index)].reset_index(drop=True)


def read_correlation(
    connection: Connection, feed: Feed, chosen: Range, fields: Sequence[str]
) -> pd.DataFrame:
    """Pearson's coefficient of the hourly or daily means of each pair: `one`, `other`, `value`."""
    source = views.roll_up(feed, chosen.period)
    pairs = [(one, other) for i, one in enumerate(fields) for other in fields[:i]]
    if not pairs:
        return pd.DataFrame({"one": [], "other": [], "value": []})
    columns = [
        Correlation(source.c[f"{one}_mean"], source.c[f"{other}_mean"]).label(f"{one}:{other}")
        for one, other in pairs
    ]
    query = select(*columns).where(*chosen.holds(source, views.STARTS[chosen.period]))
    (row,) = read_frame(connection, query).itertuples(index=False)
    found = [(*pair, value) for pair, value in zip(pairs, row, strict=True)]
    mirrored = [(other, one, value) for one, other, value in found]
    same = [(name, name, 1.0) for name in fields]
    return pd.DataFrame([*found, *mirrored, *same], columns=["one", "other", "value"])


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _summary(source: FromClause, fields: Sequence[str]) -> list[ColumnElement[Any]]:
    """The weighted mean, the lowest and the highest value of each field."""
    columns: list[ColumnElement[Any]] = []
    for field in fields:
        count, mean = source.c[f"{field}_n"], source.c[f"{field}_mean"]
        weighted = func.sum(mean * count) / func.nullif(func.sum(count), 0)
        columns += [
            weighted.label(field),
            func.min(source.c[f"{field}_min"]).label(f"{field}_min"),
            func.max(source.c[f"{field}_max"]).label(f"{field}_max"),
        ]
    return columns
