"""The tables that the facts of all feeds share: sensors, days, hours, fields, rules, episodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vigie.contract.feed import Alert, Condition, Feed
from vigie.powerbi.facts import dated, keyed
from vigie.powerbi.power_query import Query, text
from vigie.powerbi.sites import Sites
from vigie.powerbi.tmdl import Column, ModelTable

NO_SITE = "no site"


def shared_tables(feeds: Sequence[Feed], sites: Sites) -> Iterator[ModelTable]:
    """Every table that does not belong to one feed."""
    yield _sensors(feeds, sites)
    yield _dates(feeds)
    yield _hours()
    yield _fields(feeds)
    yield _rules(feeds)
    yield _episodes(feeds)
    yield _watermarks()


def _sensors(feeds: Iterable[Feed], sites: Sites) -> ModelTable:
    query = Query()
    parts = []
    for feed in feeds:
        step = keyed(query, feed, query.view(f"{feed.name}_latest"))
        step = query.column(step, "feed", text(feed.name), "type text")
        step = query.column(step, "feed_title", text(feed.title), "type text")
        if not feed.position:
            step = query.column(step, "latitude", "null", "type nullable number")
            step = query.column(step, "longitude", "null", "type nullable number")
        step = query.renamed(step, {"event_time": "last_seen"})
        names = ("sensor_key", "feed", "feed_title", "sensor", "last_seen", "latitude", "longitude")
        parts.append(query.columns(step, names))
    step = query.combined("Sensors", parts)
    step = query.column(step, "site", _site(sites), "type text")
    return ModelTable(
        name="Sensor",
        description="What measures: one row per sensor of any feed that has sent a reading.",
        columns=(
            Column("sensor_key", "string", hidden=True, is_key=True),
            Column("feed_key", "string", source="feed", hidden=True),
            Column("Feed", "string", source="feed_title"),
            Column("Sensor", "string", source="sensor"),
            Column("Site", "string", source="site", description="From powerbi/sites.yaml"),
            Column(
                "Last seen",
                "dateTime",
                source="last_seen",
                format="General Date",
                description="Event time of its newest reading at the last refresh (UTC)",
            ),
            Column("Latitude", "double", source="latitude", category="Latitude"),
            Column("Longitude", "double", source="longitude", category="Longitude"),
        ),
        m=query.result(step),
    )


def _site(sites: Sites) -> str:
    """The condition that gives a sensor its site."""
    cases = (
        f"if List.Contains({{{', '.join(text(key) for key in keys)}}}, [sensor_key])"
        f" then {text(site)}"
        for site, keys in sites.items()
    )
    return " else ".join((*cases, text(NO_SITE)))


def _dates(feeds: Iterable[Feed]) -> ModelTable:
    first = min(feed.oldest for feed in feeds)
    query = Query()
    query.steps |= {
        "First": f"#date({first.year}, {first.month}, {first.day})",
        "Last": "Date.AddDays(DateTime.Date(DateTimeZone.RemoveZone(DateTimeZone.UtcNow())), 366)",
        "Days": "List.Dates(First, Duration.Days(Last - First) + 1, #duration(1, 0, 0, 0))",
        "Dates": "Table.FromList(Days, Splitter.SplitByNothing(), type table [date = date])",
    }
    step = query.column("Dates", "year", "Date.Year([date])", "Int64.Type")
    step = query.column(step, "month_number", "Date.Month([date])", "Int64.Type")
    step = query.column(step, "month", 'Date.ToText([date], "MMM", "en-GB")', "type text")
    step = query.column(step, "month_start", "Date.StartOfMonth([date])", "type date")
    monday = "Date.DayOfWeek([date], Day.Monday) + 1"
    step = query.column(step, "weekday_number", monday, "Int64.Type")
    step = query.column(step, "weekday", 'Date.ToText([date], "ddd", "en-GB")', "type text")
    return ModelTable(
        name="Date",
        description="Every day of UTC on which a reading can lie.",
        columns=(
            Column("Date", "dateTime", source="date", format="yyyy-MM-dd", is_key=True),
            Column("Year", "int64", source="year"),
            Column("Month number", "int64", source="month_number", hidden=True),
            Column("Month", "string", source="month", sort_by="Month number"),
            Column("Month start", "dateTime", source="month_start", format="yyyy-MM"),
            Column("Weekday number", "int64", source="weekday_number", hidden=True),
            Column("Weekday", "string", source="weekday", sort_by="Weekday number"),
        ),
        m=query.result(step),
        category="Time",
    )


def _hours() -> ModelTable:
    query = Query()
    step = query.constant("Hours", {"hour": "Int64.Type"}, ((str(hour),) for hour in range(24)))
    return ModelTable(
        name="Hour",
        description="The hours of a day (UTC).",
        columns=(Column("Hour", "int64", source="hour", is_key=True),),
        m=query.result(step),
    )


def _fields(feeds: Iterable[Feed]) -> ModelTable:
    names = ("field_key", "feed_title", "field", "unit", "label", "description")
    rows = (
        (
            *(f"{feed.name}.{field.name}", feed.title, field.name, field.unit or ""),
            *(_label(feed, field.name), field.description),
        )
        for feed in feeds
        for field in feed.fields.values()
    )
    query = Query()
    step = query.constant("Fields", dict.fromkeys(names, "text"), (_texts(row) for row in rows))
    return ModelTable(
        name="Field",
        description="What is measured. Filters no fact: the measures called Field … look at it.",
        columns=(
            Column("field_key", "string", hidden=True, is_key=True),
            Column("Feed", "string", source="feed_title"),
            Column("Field", "string", source="field"),
            Column("Unit", "string", source="unit"),
            Column("Measurement", "string", source="label"),
            Column("Description", "string", source="description"),
        ),
        m=query.result(step),
    )


def _label(feed: Feed, name: str) -> str:
    """A field with its feed and unit."""
    unit = feed.fields[name].unit
    return f"{feed.title}: {name}" + (f" ({unit})" if unit else "")


def _texts(row: Iterable[str]) -> list[str]:
    """A row of texts as M literals."""
    return [text(value) for value in row]


def _rules(feeds: Iterable[Feed]) -> ModelTable:
    names = ("rule_key", "feed_title", "rule", "severity", "condition")
    rows = (
        (f"{feed.name}|{rule.name}", feed.title, rule.name, rule.severity, condition(feed, rule))
        for feed in feeds
        for rule in feed.alerts.values()
    )
    query = Query()
    step = query.constant("Rules", dict.fromkeys(names, "text"), (_texts(row) for row in rows))
    return ModelTable(
        name="Rule",
        description="The alert rules of the contracts.",
        columns=(
            Column("rule_key", "string", hidden=True, is_key=True),
            Column("Feed of rule", "string", source="feed_title"),
            Column("Rule", "string", source="rule"),
            Column("Severity", "string", source="severity"),
            Column("Condition", "string", source="condition"),
        ),
        m=query.result(step),
    )


def condition(feed: Feed, rule: Alert) -> str:
    """When a rule flags a reading, with the unit."""
    unit = feed.fields[rule.when.field].unit
    return f"{rule.when.field} {_comparison(rule.when)}" + (f" {unit}" if unit else "")


def _comparison(when: Condition) -> str:
    if when.above is not None:
        return f"above {number(when.above)}"
    if when.below is not None:
        return f"below {number(when.below)}"
    return f"is {str(when.equals).lower()}"


def number(value: float) -> str:
    """A number as people, DAX and M write it: 75, not 75.0."""
    return f"{value:.15g}"


def _episodes(feeds: Iterable[Feed]) -> ModelTable:
    query = Query()
    names = ("sensor_key", "rule_key", "date", "raised", "cleared", "peak", "readings")
    parts = []
    for feed in feeds:
        step = keyed(query, feed, query.view(f"{feed.name}_episode"))
        step = query.column(step, "rule_key", f"{text(feed.name + '|')} & [rule]", "type text")
        parts.append(query.columns(dated(query, step, "raised"), names))
    return ModelTable(
        name="Alert",
        description="Alert episodes, from raised to cleared; one still open has no end.",
        columns=(
            Column("sensor_key", "string", hidden=True),
            Column("rule_key", "string", hidden=True),
            Column("date", "dateTime", hidden=True),
            Column("Raised", "dateTime", source="raised", format="General Date"),
            Column("Cleared", "dateTime", source="cleared", format="General Date"),
            Column("Peak", "double", source="peak", format="0.0"),
            Column("readings", "int64", hidden=True),
        ),
        m=query.result(query.combined("Episodes", parts)),
    )


def _watermarks() -> ModelTable:
    query = Query()
    step = query.columns(query.view("watermark"), ("feed", "watermark"))
    return ModelTable(
        name="Watermark",
        description="The newest event time of each stream at the last refresh.",
        columns=(
            Column("feed", "string", hidden=True, is_key=True),
            Column("watermark", "dateTime", hidden=True, format="General Date"),
        ),
        m=query.result(step),
        hidden=True,
    )
