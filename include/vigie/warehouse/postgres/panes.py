"""Panes computed from the facts, for the days of sensors that a restatement changed.

Whole days: panes of the past keep the length they were made with, and each length divides a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY
from vigie.warehouse.postgres.intervals import bin_start, interval
from vigie.warehouse.postgres.roll_ups import number

_DAY = interval(timedelta(days=1))


def delete_panes(feed: Feed, stage: str) -> str:
    """The statement that empties the days named in `stage`; parameters `low`, `high`.

    `stage` has a row per sensor_id and day, whose midnight is its pane_start; `low` and `high` are
    the first and the last of these.
    """
    return (
        f"DELETE FROM fact.{feed.name}_pane t USING {stage} s\n"
        f"WHERE t.sensor_id = s.sensor_id AND {_within_day('t.pane_start')}\n"
        f"AND t.pane_start >= %(low)s AND t.pane_start < %(high)s + {_DAY}"
    )


def insert_panes(feed: Feed, stage: str) -> str:
    """The statement that fills these days; its parameters are the same."""
    summaries = [f"{field}_{part}" for field in feed.fields for part in PANE_SUMMARY]
    columns = ", ".join(["sensor_id", "pane_start", *PANE_COUNTS, *summaries])
    status = "LEFT JOIN dim.status l ON l.status_id = r.status_id\n" if feed.status else ""
    within = f"event_time >= %(low)s AND {{}}event_time < %(high)s + {_DAY}"
    return (
        f"INSERT INTO fact.{feed.name}_pane ({columns})\n"
        f"SELECT {', '.join(_selected(feed))}\n"
        f"FROM fact.{feed.name}_reading r\n"
        f"JOIN {stage} s ON s.sensor_id = r.sensor_id\n"
        f"  AND {_within_day('r.event_time')}\n"
        "LEFT JOIN (SELECT DISTINCT f.sensor_id, f.event_time FROM fact.alert f\n"
        f"           JOIN dim.rule u ON u.rule_id = f.rule_id AND u.feed = '{feed.name}'\n"
        f"           WHERE f.{within.format('f.')}) a\n"
        "  ON a.sensor_id = r.sensor_id AND a.event_time = r.event_time\n"
        f"{status}"
        f"WHERE r.{within.format('r.')}\n"
        "GROUP BY 1, 2"
    )


def _within_day(time: str) -> str:
    return f"{time} >= s.pane_start AND {time} < s.pane_start + {_DAY}"


def _selected(feed: Feed) -> Iterator[str]:
    yield from ("r.sensor_id", bin_start(feed.windows.pane, "r.event_time"))
    yield from ("count(*)", "count(a.sensor_id)")
    for level in ("warning", "fault"):
        yield f"count(*) FILTER (WHERE l.level = '{level}')" if feed.status else "0"
    for field in feed.fields.values():
        value = number(field)
        yield from (f"count(r.{field.name})", f"coalesce(sum({value}), 0)")
        yield f"coalesce(sum({value} * {value}), 0)"
        yield from (f"min({value})", f"max({value})")
