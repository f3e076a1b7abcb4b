"""The `report` views of a feed in T-SQL; a test holds their columns equal to PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from vigie.contract.feed import Feed, Model
from vigie.warehouse.feed_tables import PANE_COUNTS, ROLL_UP_SUMMARY
from vigie.warehouse.sqlserver.episodes import episodes
from vigie.warehouse.sqlserver.intervals import add
from vigie.warehouse.unscored import NoForecast, Unscored

_NOW = "SYSUTCDATETIME()"


def base_views(feed: Feed) -> dict[str, str]:
    """The views of the feed's facts: name without schema → the SELECT behind it."""
    views = {
        f"{feed.name}_reading": _reading(feed),
        f"{feed.name}_latest": _latest(feed),
        f"{feed.name}_pane": _pane(feed),
        f"{feed.name}_alert": _alert(feed),
        f"{feed.name}_hourly": _roll_up(feed, "hourly", "hour_start"),
        f"{feed.name}_daily": _roll_up(feed, "daily", "day_start"),
        f"{feed.name}_episode": episodes(feed),
    }
    if feed.scored_model:
        views[f"{feed.scored_model.name}_prediction"] = _prediction(feed, feed.scored_model)
    if feed.nightly_model:
        views[f"{feed.nightly_model.name}_forecast"] = _forecast(feed, feed.nightly_model)
    if "readings" in feed.aliases:
        views[feed.aliases["readings"]] = f"SELECT * FROM report.{feed.name}_reading"
    return views


def window_views(feed: Feed) -> dict[str, str]:
    """The windows that ended in the last 24 hours of the database's clock, under their names."""
    name = f"{feed.name}_window"
    day_ago = add(-timedelta(days=1), _NOW)
    views = {name: f"SELECT * FROM report.{feed.name}_windows({day_ago}, {_NOW})"}
    if "windows" in feed.aliases:
        views[feed.aliases["windows"]] = f"SELECT * FROM report.{name}"
    return views


def _columns(feed: Feed) -> Iterator[str]:
    yield "s.sensor"
    yield "r.event_time"
    for field in feed.fields:
        yield f"r.{field}"
    if feed.position:
        yield "r.latitude"
        yield "r.longitude"
    if feed.status:
        yield "t.status"
        yield "t.level AS status_level"
    yield from ("r.is_late", "r.kafka_partition", "r.kafka_offset", "r.batch_no")


def _status_join(feed: Feed) -> str:
    return "\nLEFT JOIN dim.status t ON t.status_id = r.status_id" if feed.status else ""


def _select(columns: Iterator[str], rest: str) -> str:
    return "SELECT " + ",\n       ".join(columns) + "\n" + rest


def _reading(feed: Feed) -> str:
    return _select(
        _columns(feed),
        f"FROM fact.{feed.name}_reading r\n"
        f"JOIN dim.sensor s ON s.sensor_id = r.sensor_id{_status_join(feed)}",
    )


def _latest(feed: Feed) -> str:
    return _select(
        _columns(feed),
        "FROM dim.sensor s\n"
        f"CROSS APPLY (SELECT TOP (1) * FROM fact.{feed.name}_reading f\n"
        "             WHERE f.sensor_id = s.sensor_id\n"
        f"             ORDER BY f.event_time DESC) r{_status_join(feed)}\n"
        f"WHERE s.feed = N'{feed.name}'",
    )


def _pane(feed: Feed) -> str:
    def columns() -> Iterator[str]:
        yield "s.sensor"
        yield "p.pane_start"
        yield from (f"p.{count}" for count in PANE_COUNTS)
        for field in feed.fields:
            yield f"p.{field}_n"
            yield f"p.{field}_sum"
            yield f"p.{field}_sum / NULLIF(p.{field}_n, 0) AS {field}_mean"
            yield f"p.{field}_min"
            yield f"p.{field}_max"

    return _select(
        columns(),
        f"FROM fact.{feed.name}_pane p\nJOIN dim.sensor s ON s.sensor_id = p.sensor_id",
    )


def _alert(feed: Feed) -> str:
    columns = (
        *("s.sensor", "a.event_time", "u.[rule]", "u.severity"),
        *("u.field", "a.value", "a.is_late"),
    )
    return _select(
        iter(columns),
        "FROM fact.alert a\n"
        f"JOIN dim.[rule] u ON u.rule_id = a.rule_id AND u.feed = N'{feed.name}'\n"
        "JOIN dim.sensor s ON s.sensor_id = a.sensor_id",
    )


def _prediction(feed: Feed, model: Model) -> str:
    """The actual value is that of the reading as it is stored now, restated or not."""
    columns = (
        *("s.sensor", "p.event_time", "p.value AS predicted", f"r.{model.target} AS actual"),
        *(f"r.{model.target} - p.value AS residual", "p.model_version"),
        _reason("p.reason", Unscored),
    )
    return _select(
        iter(columns),
        f"FROM fact.{model.name}_prediction p\n"
        f"JOIN fact.{feed.name}_reading r"
        " ON r.sensor_id = p.sensor_id AND r.event_time = p.event_time\n"
        "JOIN dim.sensor s ON s.sensor_id = p.sensor_id",
    )


def _forecast(feed: Feed, model: Model) -> str:
    """The actual value is there once it was measured."""
    columns = (
        *("s.sensor", "f.event_time", "f.value AS predicted", f"r.{model.target} AS actual"),
        *(f"r.{model.target} - f.value AS residual", "f.yesterday", "f.last_week"),
        *("f.model_version", _reason("f.reason", NoForecast), "f.made_at"),
    )
    return _select(
        iter(columns),
        f"FROM fact.{model.name}_forecast f\n"
        "JOIN dim.sensor s ON s.sensor_id = f.sensor_id\n"
        f"LEFT JOIN fact.{feed.name}_reading r"
        " ON r.sensor_id = f.sensor_id AND r.event_time = f.event_time",
    )


def _reason(column: str, reasons: type[Unscored] | type[NoForecast]) -> str:
    cases = "".join(f"\n           WHEN {why.value} THEN N'{why.words}'" for why in reasons)
    return f"CASE {column}{cases}\n       END AS reason"


def _roll_up(feed: Feed, table: str, start: str) -> str:
    def columns() -> Iterator[str]:
        yield "s.sensor"
        yield f"u.{start}"
        yield from (f"u.{count}" for count in PANE_COUNTS)
        for field in feed.fields:
            yield from (f"u.{field}_{part}" for part in ROLL_UP_SUMMARY)

    return _select(
        columns(),
        f"FROM fact.{feed.name}_{table} u\nJOIN dim.sensor s ON s.sensor_id = u.sensor_id",
    )
