"""Panes computed from the facts, for the days of sensors that a restatement changed.

Whole days: panes of the past keep the length they were made with, and each length divides a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from vigie.contract.feed import Feed, Field
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY
from vigie.warehouse.sqlserver.intervals import add, bin_start
from vigie.warehouse.sqlserver.literals import literal

_DAY = timedelta(days=1)


def delete_panes(feed: Feed, source: str, first: datetime, last: datetime) -> str:
    """The statement that empties the days named in `source`, from the first to the last of them.

    `source` has a row per sensor_id and day, whose midnight is its pane_start.
    """
    return (
        f"DELETE t FROM fact.{feed.name}_pane AS t JOIN {source} ON t.sensor_id = s.sensor_id\n"
        f"  AND {_within_day('t.pane_start')}\n"
        f"WHERE t.pane_start >= {literal(first)} AND t.pane_start < {literal(last + _DAY)}"
    )


def insert_panes(feed: Feed, source: str, first: datetime, last: datetime) -> str:
    """The statement that fills these days."""
    summaries = [f"{field}_{part}" for field in feed.fields for part in PANE_SUMMARY]
    columns = ", ".join(["sensor_id", "pane_start", *PANE_COUNTS, *summaries])
    end = literal(last + _DAY)
    within = f"event_time >= {literal(first)} AND {{}}.event_time < {end}"
    # The start of a pane has a name, so that it is grouped by as it is selected.
    start = bin_start(feed.windows.pane, "r.event_time")
    return (
        f"INSERT INTO fact.{feed.name}_pane ({columns})\n"
        f"SELECT {', '.join(_selected(feed))}\n"
        f"FROM fact.{feed.name}_reading AS r\n"
        f"JOIN {source} ON s.sensor_id = r.sensor_id\n"
        f"  AND {_within_day('r.event_time')}\n"
        f"CROSS APPLY (SELECT {start} AS pane_start) AS p\n"
        f"{beside(feed, within.format('f'))}"
        f"WHERE r.{within.format('r')}\n"
        "GROUP BY r.sensor_id, p.pane_start"
    )


def _within_day(time: str) -> str:
    return f"{time} >= s.pane_start AND {time} < {add(_DAY, 's.pane_start')}"


def beside(feed: Feed, within: str) -> str:
    """Joins a reading `r` with `a`, if a rule flags it, and `l`, the level of its status."""
    status = "LEFT JOIN dim.status AS l ON l.status_id = r.status_id\n" if feed.status else ""
    return (
        "LEFT JOIN (SELECT DISTINCT f.sensor_id, f.event_time FROM fact.alert AS f\n"
        f"           JOIN dim.[rule] AS u ON u.rule_id = f.rule_id AND u.feed = N'{feed.name}'\n"
        f"           WHERE f.{within}) AS a\n"
        "  ON a.sensor_id = r.sensor_id AND a.event_time = r.event_time\n"
        f"{status}"
    )


def _selected(feed: Feed) -> Iterator[str]:
    yield from ("r.sensor_id", "p.pane_start", "COUNT_BIG(*)", "COUNT_BIG(a.sensor_id)")
    for level in ("warning", "fault"):
        flagged = f"SUM(CASE WHEN l.level = N'{level}' THEN 1 ELSE 0 END)"
        yield flagged if feed.status else "0"
    for field in feed.fields.values():
        value = number(field)
        yield from (f"COUNT_BIG(r.{field.name})", f"COALESCE(SUM({value}), 0)")
        yield f"COALESCE(SUM({value} * {value}), 0)"
        yield from (f"MIN({value})", f"MAX({value})")


def number(field: Field) -> str:
    """A field of a reading `r` as a number; true is 1."""
    return f"CAST(r.{field.name} AS float(53))"
