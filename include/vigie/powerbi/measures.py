"""The measures of one feed: means, extremes, hours above a limit, data capture, live values."""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.feed import Alert, Feed, Field
from vigie.powerbi.dimensions import condition, number
from vigie.powerbi.facts import hourly_name, last_day_name, now_name
from vigie.powerbi.tmdl import Measure, quoted

COUNT = "#,0"
SHARE = "0.0%"
VALUE = "#,0.0"

# Expected are the hours from the sensor's first one, or the period's beginning, to the period's
# end, or the feed's newest hour. A filter on hours of the day takes its share.
_EXPECTED = """
VAR PeriodStart = MIN('Date'[Date])
VAR Newest = CALCULATE(MAX({hours}[hour_start]), REMOVEFILTERS())
VAR PeriodEnd = MIN(MAX('Date'[Date]) + 1, Newest + TIME(1, 0, 0))
VAR HourShare = DIVIDE(COUNTROWS(Hour), 24)
RETURN
    SUMX(
        VALUES(Sensor[sensor_key]),
        VAR FirstHour =
            CALCULATE(MIN({hours}[hour_start]), REMOVEFILTERS('Date'), REMOVEFILTERS(Hour))
        VAR Span = (PeriodEnd - MAX(PeriodStart, FirstHour)) * 24
        RETURN IF(ISBLANK(FirstHour) || Span <= 0, BLANK(), ROUND(Span * HourShare, 0))
    )
"""
_VALID_DAYS = """
COUNTROWS(
    FILTER(
        ADDCOLUMNS(
            SUMMARIZE({hours}, {hours}[sensor_key], {hours}[date]),
            "@hours", CALCULATE(COUNTROWS({hours}))
        ),
        [@hours] >= 18
    )
)
"""
_WEIGHTED = "DIVIDE(SUMX({t}, {t}[{f}_mean] * {t}[{f}_n]), SUM({t}[{f}_n]))"
_NOW = "COUNTROWS(FILTER({t}, {t}[event_time] > UTCNOW() - TIME(1, 0, 0)))"


def feed_measures(feed: Feed) -> Iterator[Measure]:
    """Every measure that belongs to this feed alone, but for its model's."""
    yield from _counts(feed)
    for field in feed.fields.values():
        yield from _field(feed, field)
    for rule in feed.alerts.values():
        yield from _exceedance(feed, rule)
    yield from _live(feed)


def described(field: Field) -> str:
    """What a field is, and its unit, for whoever looks at a measure."""
    return f"{field.description or field.name}" + (f", {field.unit}" if field.unit else "")


def _counts(feed: Feed) -> Iterator[Measure]:
    name, hours = feed.name, quoted(hourly_name(feed))

    def measure(what: str, dax: str, shape: str, words: str, *, hidden: bool = False) -> Measure:
        return Measure(f"{name} {what}", dax, shape, name, f"{feed.title}: {words}", hidden)

    yield measure("readings", f"SUM({hours}[readings])", COUNT, "readings stored")
    yield measure("flagged", f"SUM({hours}[alerts])", COUNT, "flagged by a rule", hidden=True)
    yield measure("faults", f"SUM({hours}[faults])", COUNT, "sensor in fault", hidden=True)
    yield measure("hours captured", f"COUNTROWS({hours})", COUNT, "sensor hours", hidden=True)
    available = f"COUNTROWS(FILTER({hours}, {hours}[readings] > {hours}[faults]))"
    yield measure("hours available", available, COUNT, "sensor hours not all fault", hidden=True)
    expected = _EXPECTED.strip().format(hours=hours)
    yield measure("hours expected", expected, COUNT, "sensor hours that could be", hidden=True)
    yield measure(
        "alert rate",
        f"DIVIDE([{name} flagged], [{name} readings])",
        SHARE,
        "share of readings that a rule flags",
    )
    yield measure(
        "fault rate",
        f"DIVIDE([{name} faults], [{name} readings])",
        SHARE,
        "share of readings whose sensor reports a fault",
    )
    yield measure(
        "data capture",
        f"DIVIDE([{name} hours captured], [{name} hours expected])",
        SHARE,
        "share of the sensors' hours that have a reading",
    )
    yield measure(
        "availability",
        f"DIVIDE([{name} hours available], [{name} hours expected])",
        SHARE,
        "share of the sensors' hours that have a reading without fault",
    )
    valid = _VALID_DAYS.strip().format(hours=hours)
    words = "sensor days with at least 18 hours (75 %) of data"
    yield measure("valid days", valid, COUNT, words)


def _field(feed: Feed, field: Field) -> Iterator[Measure]:
    hours = quoted(hourly_name(feed))
    prefix, folder, words = (
        f"{feed.name} {field.name}",
        f"{feed.name}\\{field.name}",
        described(field),
    )
    shape = SHARE if field.type == "boolean" else VALUE
    weighted = _WEIGHTED.format(t=hours, f=field.name)
    yield Measure(f"{prefix} mean", weighted, shape, folder, f"{words}: mean of all readings")
    if field.type == "boolean":
        return
    column = f"{hours}[{field.name}"
    yield Measure(f"{prefix} minimum", f"MIN({column}_min])", shape, folder, f"{words}: lowest")
    yield Measure(f"{prefix} maximum", f"MAX({column}_max])", shape, folder, f"{words}: highest")
    yield Measure(
        f"{prefix} P95",
        f"PERCENTILEX.INC({hours}, {column}_mean], 0.95)",
        shape,
        folder,
        f"{words}: what 95 of 100 hourly means do not exceed",
    )
    yield Measure(
        f"{prefix} P95 within hours",
        f"AVERAGE({column}_p95])",
        shape,
        folder,
        f"{words}: mean of the hours' own 95th percentiles",
    )


def _exceedance(feed: Feed, rule: Alert) -> Iterator[Measure]:
    when = rule.when
    hours = quoted(hourly_name(feed))
    column = f"{hours}[{when.field}_mean]"
    if when.above is not None:
        limit = f"{column} > {number(when.above)}"
    elif when.below is not None:
        limit = f"NOT ISBLANK({column}) && {column} < {number(when.below)}"
    else:
        return
    broken = f"FILTER({hours}, {limit})"
    folder, words = f"{feed.name}\\exceedances", f"whose mean has {condition(feed, rule)}"
    name = f"{feed.name} {rule.name}"
    yield Measure(f"{name} hours", f"COUNTROWS({broken})", COUNT, folder, f"Sensor hours {words}")
    days = f"COUNTROWS(SUMMARIZE({broken}, {hours}[sensor_key], {hours}[date]))"
    yield Measure(f"{name} days", days, COUNT, folder, f"Sensor days with an hour {words}")


def _live(feed: Feed) -> Iterator[Measure]:
    now, folder = quoted(now_name(feed)), f"{feed.name}\\live"
    heard = _NOW.format(t=now)
    words = f"{feed.title}: sensors whose newest reading is less than an hour old"
    yield Measure(f"{feed.name} sensors heard", heard, COUNT, folder, words)
    newest = f"MAX({now}[event_time])"
    words = f"{feed.title}: event time of the newest reading (UTC)"
    yield Measure(f"{feed.name} newest", newest, "yyyy-MM-dd HH:mm:ss", folder, words)
    for field in feed.fields.values():
        prefix, words = f"{feed.name} {field.name}", described(field)
        if field.type != "boolean":
            value = f"AVERAGE({now}[{field.name}])"
            yield Measure(f"{prefix} now", value, VALUE, folder, f"{words}: mean over sensors, now")
        if feed.windows.sliding:
            day = _WEIGHTED.format(t=quoted(last_day_name(feed)), f=field.name)
            yield Measure(f"{prefix} last day", day, VALUE, folder, f"{words}: mean of a window")
