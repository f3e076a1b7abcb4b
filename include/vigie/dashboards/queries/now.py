"""What *Now* shows: counts, open alerts, the newest reading of each sensor, fine series.

"Now" is the newest event time of the feed, or the database's clock where a sensor's is ahead of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import Connection, func, select

from vigie.contract.feed import Feed
from vigie.dashboards.queries import views
from vigie.dashboards.queries.frames import read_frame
from vigie.warehouse.moments import Ago
from vigie.warehouse.types import UtcNow

_DAY = timedelta(days=1)
_MOST_POINTS = 20_000
"""Readings drawn at most; above that, panes say the same with fewer points."""
_NEWEST_ALERTS = 50


@dataclass(frozen=True)
class Snapshot:
    """A feed at one moment.

    `as_of` is its newest event time, None where it has no reading; `ago` how long before the
    database's clock that was. `sensors` has the newest reading of each with `is_reporting`,
    `alerts` the open ones; `readings` counts the last `recent(feed)`, `quarantined` the last day.
    """

    as_of: datetime | None
    ago: timedelta
    sensors: pd.DataFrame
    alerts: pd.DataFrame
    readings: int
    quarantined: int

    @property
    def reporting(self) -> int:
        """How many sensors sent a reading in the last `recent(feed)`."""
        return int(self.sensors["is_reporting"].sum())


def recent(feed: Feed) -> timedelta:
    """How far back "reporting" and "the last readings" look: the shortest sliding window."""
    return min((window.length for window in feed.windows.sliding), default=feed.windows.pane)


def read_snapshot(connection: Connection, feed: Feed) -> Snapshot:
    """Read a feed as it is now."""
    as_of, now = read_moment(connection, feed)
    since = (as_of or now) - recent(feed)
    latest = views.latest(feed)
    sensors = read_frame(connection, select(latest).order_by(latest.c.sensor))
    sensors["is_reporting"] = sensors["event_time"] > since
    return Snapshot(
        as_of=as_of,
        ago=max(now - (as_of or now), timedelta()),
        sensors=sensors,
        alerts=_open_alerts(connection, feed),
        readings=_count_readings(connection, feed, since),
        quarantined=_count_quarantined(connection, feed),
    )


def read_moment(connection: Connection, feed: Feed) -> tuple[datetime | None, datetime]:
    """The feed's newest event time, not after the database's clock; and that clock."""
    now: datetime = connection.execute(select(UtcNow())).scalar_one()
    t = views.watermark.c
    newest: datetime | None = connection.scalar(select(t.watermark).where(t.feed == feed.name))
    now = _in_utc(now)
    return (None if newest is None else min(_in_utc(newest), now)), now


def read_newest_alerts(connection: Connection, feed: Feed, as_of: datetime) -> pd.DataFrame:
    """The newest readings of the last day that a rule flagged, newest first."""
    alert = views.alert(feed)
    t = alert.c
    within = (t.event_time > as_of - _DAY) & (t.event_time <= as_of)
    newest = select(alert).where(within).order_by(t.event_time.desc(), t.sensor, t.rule)
    return read_frame(connection, newest.limit(_NEWEST_ALERTS))


def read_series(
    connection: Connection,
    feed: Feed,
    *,
    fields: Sequence[str],
    sensors: Sequence[str],
    begin: datetime,
    end: datetime,
) -> pd.DataFrame:
    """The values of sensors after `begin`, up to `end`: `sensor`, `views.AT`, the fields.

    Readings while they are few, else the means of panes, each at its pane's start.
    """
    if end - begin <= max(60 * feed.windows.pane, timedelta(hours=1)):
        reading = views.reading(feed)
        at = reading.c.event_time
        columns = [reading.c.sensor, at.label(views.AT), *(reading.c[name] for name in fields)]
        chosen = select(*columns).where(reading.c.sensor.in_(sensors), at > begin, at <= end)
        found = read_frame(connection, chosen.order_by(at).limit(_MOST_POINTS + 1))
        if len(found) <= _MOST_POINTS:
            return found
    pane = views.pane(feed)
    at = pane.c.pane_start
    means = (pane.c[f"{name}_mean"].label(name) for name in fields)
    chosen = select(pane.c.sensor, at.label(views.AT), *means).where(
        pane.c.sensor.in_(sensors), at > begin, at <= end
    )
    return read_frame(connection, chosen.order_by(at))


def _open_alerts(connection: Connection, feed: Feed) -> pd.DataFrame:
    t = views.alert_open.c
    columns = (t.sensor, t.rule, t.severity, t.field, t.since, t.peak, t.last_flagged)
    chosen = select(*columns).where(t.feed == feed.name)
    return read_frame(connection, chosen.order_by(t.since.desc(), t.sensor, t.rule))


def _count_readings(connection: Connection, feed: Feed, since: datetime) -> int:
    reading = views.reading(feed)
    counted = select(func.count()).select_from(reading).where(reading.c.event_time > since)
    return int(connection.scalar(counted) or 0)


def _count_quarantined(connection: Connection, feed: Feed) -> int:
    t = views.quarantine.c
    waiting = (t.feed == feed.name) & t.released_at.is_(None) & (t.quarantined_at > Ago(_DAY))
    return int(
        connection.scalar(select(func.count()).select_from(views.quarantine).where(waiting)) or 0
    )


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
