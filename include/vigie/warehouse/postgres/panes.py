"""Panes computed from the facts, for those whose readings a restatement changed."""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY
from vigie.warehouse.postgres.intervals import bin_start
from vigie.warehouse.postgres.roll_ups import number


def insert_panes(feed: Feed, stage: str) -> str:
    """The statement that fills the panes named in `stage`; parameters `low`, `high`, `pane`.

    `low` and `high` are the first and last pane's start, `pane` is the length of one.
    """
    summaries = [f"{field}_{part}" for field in feed.fields for part in PANE_SUMMARY]
    columns = ", ".join(["sensor_id", "pane_start", *PANE_COUNTS, *summaries])
    status = "LEFT JOIN dim.status l ON l.status_id = r.status_id\n" if feed.status else ""
    within = "event_time >= %(low)s AND {}event_time < %(high)s + %(pane)s"
    return (
        f"INSERT INTO fact.{feed.name}_pane ({columns})\n"
        f"SELECT {', '.join(_selected(feed))}\n"
        f"FROM fact.{feed.name}_reading r\n"
        f"JOIN {stage} s ON s.sensor_id = r.sensor_id\n"
        f"  AND s.pane_start = {bin_start(feed.windows.pane, 'r.event_time')}\n"
        "LEFT JOIN (SELECT DISTINCT f.sensor_id, f.event_time FROM fact.alert f\n"
        f"           JOIN dim.rule u ON u.rule_id = f.rule_id AND u.feed = '{feed.name}'\n"
        f"           WHERE f.{within.format('f.')}) a\n"
        "  ON a.sensor_id = r.sensor_id AND a.event_time = r.event_time\n"
        f"{status}"
        f"WHERE r.{within.format('r.')}\n"
        "GROUP BY s.sensor_id, s.pane_start"
    )


def _selected(feed: Feed) -> Iterator[str]:
    yield from ("s.sensor_id", "s.pane_start", "count(*)", "count(a.sensor_id)")
    for level in ("warning", "fault"):
        yield f"count(*) FILTER (WHERE l.level = '{level}')" if feed.status else "0"
    for field in feed.fields.values():
        value = number(field)
        yield from (f"count(r.{field.name})", f"coalesce(sum({value}), 0)")
        yield f"coalesce(sum({value} * {value}), 0)"
        yield from (f"min({value})", f"max({value})")
