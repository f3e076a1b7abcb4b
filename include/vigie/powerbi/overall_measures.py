"""Measures over all feeds, alert episodes, and those that look at the field somebody chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vigie.contract.feed import Feed
from vigie.powerbi.dax import dax_text
from vigie.powerbi.measures import COUNT, SHARE, VALUE
from vigie.powerbi.tmdl import Measure

_ALL = "all feeds"
_CHOSEN = "chosen field"
_AS_OF = """
CALCULATE(
    MAX(Watermark[watermark]),
    TREATAS(VALUES(Sensor[feed_key]), Watermark[feed])
)
"""
_BEFORE = """
VAR Days = COUNTROWS(ALLSELECTED('Date'))
RETURN CALCULATE([Field mean], DATEADD('Date'[Date], -Days, DAY))
"""
_TO_CLEAR = """
AVERAGEX(
    FILTER(Alert, NOT ISBLANK(Alert[Cleared])),
    (Alert[Cleared] - Alert[Raised]) * 24
)
"""
_ROLLING = "CALCULATE([Field mean], DATESINPERIOD('Date'[Date], MAX('Date'[Date]), -7, DAY))"


def overall_measures(feeds: Sequence[Feed]) -> Iterator[Measure]:
    """The measures that belong to no feed."""
    yield from _sums(feeds)
    yield from _alerts()
    yield from _freshness()
    yield from _chosen(feeds)


def _sums(feeds: Sequence[Feed]) -> Iterator[Measure]:
    def total(what: str) -> str:
        return " + ".join(f"[{feed.name} {what}]" for feed in feeds)

    def share(part: str, whole: str) -> str:
        return f"DIVIDE({total(part)}, {total(whole)})"

    yield Measure("Sensors", "COUNTROWS(Sensor)", COUNT, _ALL, "Sensors ever heard")
    yield Measure("Readings", total("readings"), COUNT, _ALL, "Readings stored in closed hours")
    captured, expected = share("hours captured", "hours expected"), "hours expected"
    words = "Share of the sensors' hours that have a reading"
    yield Measure("Data capture", captured, SHARE, _ALL, words)
    available = share("hours available", expected)
    words = "Share of the sensors' hours that have a reading without fault"
    yield Measure("Availability", available, SHARE, _ALL, words)
    words = "Share of readings that a rule flags"
    yield Measure("Alert rate", share("flagged", "readings"), SHARE, _ALL, words)
    words = "Share of readings whose sensor reports a fault"
    yield Measure("Fault rate", share("faults", "readings"), SHARE, _ALL, words)


def _alerts() -> Iterator[Measure]:
    folder = "alerts"
    words = "Episodes from raised to cleared that were raised in the period"
    yield Measure("Alert episodes", "COUNTROWS(Alert)", COUNT, folder, words)
    still = "COUNTROWS(FILTER(Alert, ISBLANK(Alert[Cleared])))"
    yield Measure("Open alerts", still, COUNT, folder, "Episodes not cleared at the last refresh")
    words = "Mean time from raised to cleared, in hours"
    yield Measure("Hours to clear", _TO_CLEAR.strip(), VALUE, folder, words)


def _freshness() -> Iterator[Measure]:
    folder = "freshness"
    words = "Newest event time of the streams at the last refresh (UTC)"
    yield Measure("Data as of", _AS_OF.strip(), "yyyy-MM-dd HH:mm", folder, words)
    age = "IF(NOT ISBLANK([Data as of]), (UTCNOW() - [Data as of]) * 24)"
    yield Measure("Hours since data", age, VALUE, folder, "Age of the newest reading, in hours")


def _chosen(feeds: Sequence[Feed]) -> Iterator[Measure]:
    def switch(what: str) -> str:
        cases = (
            f"    {dax_text(f'{feed.name}.{field.name}')}, [{feed.name} {field.name} {what}]"
            for feed in feeds
            for field in feed.fields.values()
            if what == "mean" or field.type != "boolean"
        )
        return "SWITCH(\n    SELECTEDVALUE(Field[field_key]),\n" + ",\n".join(cases) + "\n)"

    for what in ("mean", "minimum", "maximum", "P95"):
        words = f"The {what} of the field that table Field is filtered to, in that field's unit"
        yield Measure(f"Field {what}", switch(what), VALUE, _CHOSEN, words)
    words = "The mean over the 7 days that end with the last one shown"
    yield Measure("Field mean, 7 days", _ROLLING, VALUE, _CHOSEN, words)
    words = "The mean over the period of equal length just before"
    yield Measure("Field mean, period before", _BEFORE.strip(), VALUE, _CHOSEN, words)
    label = 'SELECTEDVALUE(Field[Measurement], "Choose one measurement")'
    yield Measure("Field chosen", label, "", _CHOSEN, "Name and unit of the field chosen")
