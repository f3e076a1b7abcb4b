"""A feed's fact tables: closed hours and predictions, imported, and what is shown live.

Every fact has the column `sensor_key`, which is `feed|sensor`: a sensor's name is its own only
within a feed. Imported facts also have day and hour of UTC, for the tables `Date` and `Hour`.
"""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Model
from vigie.powerbi.power_query import Query, text
from vigie.powerbi.tmdl import Column, DataType, ModelTable, RefreshPolicy
from vigie.warehouse.feed_tables import PANE_COUNTS

HOURS = RefreshPolicy(keep_months=60, refresh_days=7)
SAID = RefreshPolicy(keep_months=13, refresh_days=7)
SUMMARY = ("n", "mean", "min", "max", "p95")
"""The columns of a field that an hour brings along."""
LIVE_SUMMARY = ("n", "mean", "min", "max")

_TYPES: dict[str, DataType] = {"float": "double", "integer": "int64", "boolean": "boolean"}
_TIME = "General Date"
_STATUS = ("status", "status_level")
_KEY = Column("sensor_key", "string", hidden=True)


def hourly_name(feed: Feed) -> str:
    """The table of closed hours."""
    return f"{feed.name} hourly"


def now_name(feed: Feed) -> str:
    """The table of each sensor's newest reading, asked of the database by every visual."""
    return f"{feed.name} now"


def last_day_name(feed: Feed) -> str:
    """The table of the windows of the last 24 hours, asked of the database by every visual."""
    return f"{feed.name} last day"


def said_name(model: Model) -> str:
    """The table of what a model said and what was true."""
    return f"{model.name} {'prediction' if model.scored == 'stream' else 'forecast'}"


def fact_tables(feed: Feed) -> Iterator[ModelTable]:
    """Every table that belongs to this feed alone."""
    yield _hourly(feed)
    if feed.model:
        yield _said(feed, feed.model)
    yield _now(feed)
    if feed.windows.sliding:
        yield _last_day(feed)


def live_tables(feed: Feed) -> list[str]:
    """The names of those that are asked live."""
    return [now_name(feed)] + ([last_day_name(feed)] if feed.windows.sliding else [])


def keyed(query: Query, feed: Feed, step: str) -> str:
    """Add `sensor_key` to a step that has `sensor`."""
    return query.column(step, "sensor_key", f"{text(feed.name + '|')} & [sensor]", "type text")


def dated(query: Query, step: str, time: str) -> str:
    """Add `date`, the day of UTC."""
    return query.column(step, "date", f"DateTime.Date([{time}])", "type date")


def _hourly(feed: Feed) -> ModelTable:
    columns = (
        _KEY,
        Column("hour_start", "dateTime", format=_TIME, hidden=True),
        Column("date", "dateTime", hidden=True),
        Column("hour", "int64", hidden=True),
        *(Column(count, "int64", hidden=True) for count in PANE_COUNTS),
        *_summaries(feed, SUMMARY),
    )
    query = Query()
    step = _in_range(query, query.view(f"{feed.name}_hourly"), "hour_start")
    step = _with_hour(query, dated(query, keyed(query, feed, step), "hour_start"), "hour_start")
    return ModelTable(
        name=hourly_name(feed),
        description=f"{feed.title}: one row per sensor and closed hour.",
        columns=columns,
        m=query.result(query.columns(step, (column.name for column in columns))),
        policy=HOURS,
        hidden=True,
    )


def _said(feed: Feed, model: Model) -> ModelTable:
    unit = feed.fields[model.target].unit or ""
    nightly = ("yesterday", "last_week") if model.scored == "nightly" else ()
    values = ("predicted", "actual", "residual", *nightly)
    columns = (
        _KEY,
        Column("event_time", "dateTime", format=_TIME, description="When it was measured (UTC)"),
        Column("date", "dateTime", hidden=True),
        Column("hour", "int64", hidden=True),
        *(Column(value, "double", hidden=True, description=unit) for value in values),
        Column("model_version", "int64", description="The version that said it"),
        Column("reason", "string", description="Why there is no value"),
    )
    query = Query()
    step = _in_range(query, query.view(said_name(model).replace(" ", "_")), "event_time")
    step = _with_hour(query, dated(query, keyed(query, feed, step), "event_time"), "event_time")
    return ModelTable(
        name=said_name(model),
        description=f"What the model {model.name} said of {model.target}, and what was true.",
        columns=columns,
        m=query.result(query.columns(step, (column.name for column in columns))),
        policy=SAID,
    )


def _now(feed: Feed) -> ModelTable:
    degrees = ("latitude", "longitude") if feed.position else ()
    columns = (
        _KEY,
        Column("sensor", "string"),
        Column("event_time", "dateTime", format=_TIME, description="Of the newest reading (UTC)"),
        *(
            Column(name, _TYPES[field.type], description=field.unit or "")
            for name, field in feed.fields.items()
        ),
        *(Column(name, "double", category=name.capitalize()) for name in degrees),
        *(Column(name, "string") for name in _STATUS if feed.status),
    )
    query = Query()
    step = keyed(query, feed, query.view(f"{feed.name}_latest"))
    return ModelTable(
        name=now_name(feed),
        description=f"{feed.title}: the newest reading of each sensor, live.",
        columns=columns,
        m=query.result(query.columns(step, (column.name for column in columns))),
        mode="directQuery",
    )


def _last_day(feed: Feed) -> ModelTable:
    columns = (
        _KEY,
        Column("sensor", "string"),
        Column("window_end", "dateTime", format=_TIME, description="UTC"),
        *(Column(count, "int64", hidden=True) for count in PANE_COUNTS),
        *_summaries(feed, LIVE_SUMMARY),
    )
    length = format_duration(min(window.length for window in feed.windows.sliding))
    query = Query()
    step = query.view(f"{feed.name}_window")
    step = keyed(query, feed, query.rows(step, f"[window_length] = {text(length)}"))
    return ModelTable(
        name=last_day_name(feed),
        description=f"{feed.title}: windows of {length} in the last 24 hours, live.",
        columns=columns,
        m=query.result(query.columns(step, (column.name for column in columns))),
        mode="directQuery",
    )


def _in_range(query: Query, step: str, time: str) -> str:
    return query.rows(step, f"[{time}] >= RangeStart and [{time}] < RangeEnd")


def _with_hour(query: Query, step: str, time: str) -> str:
    return query.column(step, "hour", f"Time.Hour([{time}])", "Int64.Type")


def _summaries(feed: Feed, parts: tuple[str, ...]) -> Iterator[Column]:
    for name in feed.fields:
        for part in parts:
            yield Column(f"{name}_{part}", "int64" if part == "n" else "double", hidden=True)
