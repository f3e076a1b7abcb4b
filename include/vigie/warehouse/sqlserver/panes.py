"""Panes computed from the facts, for those whose readings a restatement changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from vigie.contract.feed import Feed, Field
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY
from vigie.warehouse.sqlserver.intervals import bin_start
from vigie.warehouse.sqlserver.literals import literal


def insert_panes(feed: Feed, source: str, first: datetime, last: datetime) -> str:
    """The statement that fills the panes named in `source`, from the first to the last of them."""
    summaries = [f"{field}_{part}" for field in feed.fields for part in PANE_SUMMARY]
    columns = ", ".join(["sensor_id", "pane_start", *PANE_COUNTS, *summaries])
    end = literal(last + feed.windows.pane)
    within = f"event_time >= {literal(first)} AND {{}}.event_time < {end}"
    return (
        f"INSERT INTO fact.{feed.name}_pane ({columns})\n"
        f"SELECT {', '.join(_selected(feed))}\n"
        f"FROM fact.{feed.name}_reading AS r\n"
        f"JOIN {source} ON s.sensor_id = r.sensor_id\n"
        f"  AND s.pane_start = {bin_start(feed.windows.pane, 'r.event_time')}\n"
        f"{beside(feed, within.format('f'))}"
        f"WHERE r.{within.format('r')}\n"
        "GROUP BY s.sensor_id, s.pane_start"
    )


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
    yield from ("s.sensor_id", "s.pane_start", "COUNT_BIG(*)", "COUNT_BIG(a.sensor_id)")
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
