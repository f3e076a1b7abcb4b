"""Hourly and daily roll-ups in SQL Server: medians and P95 come from the readings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, bindparam, delete, text

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import PANE_COUNTS, ROLL_UP_SUMMARY, feed_tables
from vigie.warehouse.sqlserver.intervals import bin_start
from vigie.warehouse.sqlserver.panes import beside, number
from vigie.warehouse.types import TIME

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SHARES = {"median": "0.5", "p95": "0.95"}


def changed_hours(connection: Connection, feed: Feed, day: datetime) -> list[datetime]:
    """The hours of a day whose panes and hourly roll-ups count different numbers of readings."""
    if _HOUR % feed.windows.pane:
        return [day + i * _HOUR for i in range(24)]
    query = text(_changed(feed)).bindparams(*_bounds(day, day + _DAY)).columns(hour_start=TIME)
    return sorted(connection.execute(query).scalars())


def roll_up(
    connection: Connection, feed: Feed, table: Table, begin: datetime, end: datetime
) -> None:
    """Replace the rows of the periods in [begin, end), which must be whole hours or days."""
    _, start = table.primary_key.columns
    connection.execute(delete(table).where(start >= begin, start < end))
    hourly = table.name == feed_tables(feed).hourly.name
    statement = text(_insert(feed, table, _HOUR if hourly else _DAY))
    connection.execute(statement.bindparams(*_bounds(begin, end)))


def _bounds(begin: datetime, end: datetime) -> list[bindparam]:  # type: ignore[valid-type]
    return [bindparam("begin", begin, TIME), bindparam("end", end, TIME)]


def _changed(feed: Feed) -> str:
    hour = bin_start(_HOUR, "pane_start")
    return (
        "SELECT COALESCE(p.hour_start, u.hour_start) AS hour_start FROM (\n"
        f"    SELECT {hour} AS hour_start, SUM(readings) AS readings\n"
        f"    FROM fact.{feed.name}_pane WHERE pane_start >= :begin AND pane_start < :end\n"
        f"    GROUP BY {hour}) AS p\n"
        "FULL JOIN (\n"
        "    SELECT hour_start, SUM(readings) AS readings\n"
        f"    FROM fact.{feed.name}_hourly WHERE hour_start >= :begin AND hour_start < :end\n"
        "    GROUP BY hour_start) AS u ON u.hour_start = p.hour_start\n"
        "WHERE COALESCE(p.readings, -1) <> COALESCE(u.readings, -1)"
    )


def _insert(feed: Feed, table: Table, period: timedelta) -> str:
    """PERCENTILE_CONT is a function over a window here: it is the same in each row of a group."""
    _, start = table.primary_key.columns
    summaries = [f"{field}_{part}" for field in feed.fields for part in ROLL_UP_SUMMARY]
    columns = ", ".join(["sensor_id", start.name, *PANE_COUNTS, *summaries])
    within = "event_time >= :begin AND {}.event_time < :end"
    return (
        f"INSERT INTO {table.fullname} ({columns})\n"
        f"SELECT {', '.join(_selected(feed))}\n"
        f"FROM (SELECT {', '.join(_read(feed, period))}\n"
        f"FROM fact.{feed.name}_reading AS r\n"
        f"{beside(feed, within.format('f'))}"
        f"WHERE r.{within.format('r')}) AS g\n"
        "GROUP BY g.sensor_id, g.period"
    )


def _read(feed: Feed, period: timedelta) -> Iterator[str]:
    start = bin_start(period, "r.event_time")
    yield from ("r.sensor_id", f"{start} AS period", "a.sensor_id AS flagged")
    if feed.status:
        yield "l.level"
    for field in feed.fields.values():
        value = number(field)
        yield f"{value} AS {field.name}"
        for part, share in _SHARES.items():
            yield (
                f"PERCENTILE_CONT({share}) WITHIN GROUP (ORDER BY {value}) "
                f"OVER (PARTITION BY r.sensor_id, {start}) AS {field.name}_{part}"
            )


def _selected(feed: Feed) -> Iterator[str]:
    yield from ("g.sensor_id", "g.period", "COUNT_BIG(*)", "COUNT_BIG(g.flagged)")
    for level in ("warning", "fault"):
        flagged = f"SUM(CASE WHEN g.level = N'{level}' THEN 1 ELSE 0 END)"
        yield flagged if feed.status else "0"
    for name in feed.fields:
        yield f"COUNT_BIG(g.{name})"
        yield from (f"AVG(g.{name})", f"MIN(g.{name})", f"MAX(g.{name})")
        yield from (f"MAX(g.{name}_{part})" for part in _SHARES)
