"""Hourly and daily roll-ups in PostgreSQL: medians and P95 come from the readings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, text

from vigie.contract.feed import Feed, Field
from vigie.warehouse.feed_tables import PANE_COUNTS, ROLL_UP_SUMMARY, feed_tables
from vigie.warehouse.postgres.intervals import bin_start

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def changed_hours(connection: Connection, feed: Feed, day: datetime) -> list[datetime]:
    """The hours of a day whose panes and hourly roll-ups count different numbers of readings."""
    if _HOUR % feed.windows.pane:
        return [day + i * _HOUR for i in range(24)]
    found = connection.execute(text(_changed(feed)), {"begin": day, "end": day + _DAY})
    return sorted(found.scalars())


def roll_up(
    connection: Connection, feed: Feed, table: Table, begin: datetime, end: datetime
) -> None:
    """Replace the rows of the periods in [begin, end), which must be whole hours or days."""
    _, start = table.primary_key.columns
    connection.execute(delete(table).where(start >= begin, start < end))
    hourly = table.name == feed_tables(feed).hourly.name
    period = _HOUR if hourly else _DAY
    connection.execute(text(_insert(feed, table, period)), {"begin": begin, "end": end})


def _changed(feed: Feed) -> str:
    between = "BETWEEN :begin AND :end - interval '1 microsecond'"
    return (
        "SELECT hour_start FROM (\n"
        f"    SELECT {bin_start(_HOUR, 'pane_start')} AS hour_start, sum(readings) AS readings\n"
        f"    FROM fact.{feed.name}_pane WHERE pane_start {between} GROUP BY 1) p\n"
        "FULL JOIN (\n"
        "    SELECT hour_start, sum(readings) AS readings\n"
        f"    FROM fact.{feed.name}_hourly WHERE hour_start {between} GROUP BY 1) u\n"
        "USING (hour_start)\n"
        "WHERE p.readings IS DISTINCT FROM u.readings"
    )


def _insert(feed: Feed, table: Table, period: timedelta) -> str:
    _, start = table.primary_key.columns
    summaries = [f"{field}_{part}" for field in feed.fields for part in ROLL_UP_SUMMARY]
    columns = ", ".join(["sensor_id", start.name, *PANE_COUNTS, *summaries])
    selected = ",\n       ".join(_selected(feed, period))
    status = "LEFT JOIN dim.status t ON t.status_id = r.status_id\n" if feed.status else ""
    return (
        f"INSERT INTO {table.fullname} ({columns})\n"
        f"SELECT {selected}\n"
        f"FROM fact.{feed.name}_reading r\n"
        "LEFT JOIN (SELECT DISTINCT f.sensor_id, f.event_time FROM fact.alert f\n"
        f"           JOIN dim.rule u ON u.rule_id = f.rule_id AND u.feed = '{feed.name}'\n"
        "           WHERE f.event_time >= :begin AND f.event_time < :end) a\n"
        "  ON a.sensor_id = r.sensor_id AND a.event_time = r.event_time\n"
        f"{status}"
        "WHERE r.event_time >= :begin AND r.event_time < :end\n"
        "GROUP BY 1, 2"
    )


def _selected(feed: Feed, period: timedelta) -> Iterator[str]:
    yield from ("r.sensor_id", bin_start(period, "r.event_time"), "count(*)", "count(a.sensor_id)")
    for level in ("warning", "fault"):
        yield f"count(*) FILTER (WHERE t.level = '{level}')" if feed.status else "0"
    for field in feed.fields.values():
        value = number(field)
        yield f"count(r.{field.name})"
        yield from (f"avg({value})", f"min({value})", f"max({value})")
        for share in ("0.5", "0.95"):
            yield f"percentile_cont({share}) WITHIN GROUP (ORDER BY {value})"


def number(field: Field) -> str:
    """A field of a reading `r` as a number; true is 1."""
    cast = "::integer" if field.type == "boolean" else ""
    return f"CAST(r.{field.name}{cast} AS double precision)"
