"""The `report` views of a feed as SQLAlchemy clauses, with the columns that the pages read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, FromClause, TableClause, column, func, literal, table
from sqlalchemy.sql.elements import ColumnClause

from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import PANE_COUNTS, ROLL_UP_SUMMARY
from vigie.warehouse.types import LONG_TEXT, NAME, NUMBER, SENSOR, TIME

Period = Literal["hourly", "daily"]
STARTS: dict[Period, str] = {"hourly": "hour_start", "daily": "day_start"}
AT = "Time"
"""The column of a moment in a frame of series; no field can have its name."""
_COUNT = BigInteger()

watermark = table("watermark", column("feed", NAME), column("watermark", TIME), schema="report")
quarantine = table(
    "quarantine",
    column("feed", NAME),
    column("quarantined_at", TIME),
    column("released_at", TIME),
    schema="report",
)
alert_open = table(
    "alert_open",
    *(column("feed", NAME), column("sensor", SENSOR), column("rule", NAME)),
    *(column("severity", NAME), column("field", NAME), column("since", TIME)),
    *(column("peak", NUMBER), column("last_flagged", TIME)),
    schema="report",
)


def reading(feed: Feed) -> TableClause:
    """Every reading of a feed, by `sensor` and `event_time`."""
    return table(f"{feed.name}_reading", *_reading(feed), schema="report")


def latest(feed: Feed) -> TableClause:
    """The newest reading of each sensor."""
    return table(f"{feed.name}_latest", *_reading(feed), schema="report")


def pane(feed: Feed) -> TableClause:
    """Counts and means by sensor and `pane_start`."""
    return table(f"{feed.name}_pane", *_summed(feed, "pane_start", ("n", "mean")), schema="report")


def alert(feed: Feed) -> TableClause:
    """Readings that a rule flags."""
    columns = (
        *(column("sensor", SENSOR), column("event_time", TIME), column("rule", NAME)),
        *(column("severity", NAME), column("field", NAME), column("value", NUMBER)),
    )
    return table(f"{feed.name}_alert", *columns, schema="report")


def roll_up(feed: Feed, period: Period) -> TableClause:
    """Closed hours or days by sensor, with median and P95 of each field."""
    columns = _summed(feed, STARTS[period], ROLL_UP_SUMMARY)
    return table(f"{feed.name}_{period}", *columns, schema="report")


def windows(feed: Feed, begin: datetime, end: datetime) -> FromClause:
    """Sliding windows that end after `begin`, and not after `end`."""
    columns = (
        *(column("sensor", SENSOR), column("window_start", TIME), column("window_end", TIME)),
        column("window_length", LONG_TEXT),
        *(column(f"{field}_mean", NUMBER) for field in feed.fields),
    )
    call = getattr(func.report, f"{feed.name}_windows")(literal(begin, TIME), literal(end, TIME))
    made: FromClause = call.table_valued(*columns)
    return made


def _reading(feed: Feed) -> Iterator[ColumnClause[Any]]:
    yield column("sensor", SENSOR)
    yield column("event_time", TIME)
    for name, field in feed.fields.items():
        yield column(name, Boolean() if field.type == "boolean" else NUMBER)
    if feed.position:
        yield column("latitude", NUMBER)
        yield column("longitude", NUMBER)
    if feed.status:
        yield column("status", LONG_TEXT)
        yield column("status_level", LONG_TEXT)


def _summed(feed: Feed, start: str, parts: tuple[str, ...]) -> Iterator[ColumnClause[Any]]:
    yield column("sensor", SENSOR)
    yield column(start, TIME)
    yield from (column(count, _COUNT) for count in PANE_COUNTS)
    for field in feed.fields:
        yield from (column(f"{field}_{part}", _COUNT if part == "n" else NUMBER) for part in parts)
