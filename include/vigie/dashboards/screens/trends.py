"""*Trends*: how a feed went over a chosen range of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import altair as alt
import pandas as pd
import streamlit as st

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed
from vigie.dashboards.charts.alerts import draw_distribution, draw_frequency
from vigie.dashboards.charts.comparison import (
    BEFORE,
    THIS,
    draw_correlation,
    draw_periods,
    draw_sensors,
)
from vigie.dashboards.charts.lines import axis_of, draw_band, draw_lines, title_of
from vigie.dashboards.charts.palette import SERIES
from vigie.dashboards.queries import trends
from vigie.dashboards.queries.trends import Range
from vigie.dashboards.queries.views import AT
from vigie.dashboards.screens import reading
from vigie.dashboards.screens.controls import choose_fields
from vigie.dashboards.screens.figures import show_chart, show_figure, show_table
from vigie.dashboards.screens.saying import say_as_of, show_safely, wait_for_readings

_DAY = timedelta(days=1)
_SPANS = {"7 days": 7, "30 days": 30, "90 days": 90, "1 year": 365}
_OWN = "other dates"
_MOST_SENSORS = 30


def show_trends(feed: Feed) -> None:
    """The page of one feed."""
    st.title(f"{feed.title}: trends", anchor=False)
    show_safely(_show, feed)


def _show(feed: Feed) -> None:
    found = reading.snapshot(feed)
    if found.as_of is None:
        wait_for_readings(feed)
        return
    say_as_of(feed, found.as_of, found.ago)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _choose_range(found.as_of)
        fields = choose_fields(feed, count=2)
        sensors = st.multiselect(
            "Sensors",
            found.sensors["sensor"].tolist(),
            placeholder="All sensors",
            width=420,
        )
    chosen = replace(chosen, sensors=tuple(sensors))
    section = st.selectbox("What to look at", list(_SECTIONS), width=300)
    if not fields:
        st.info("Choose at least one field.", icon=":material/tune:")
        return
    st.subheader(section, anchor=False)
    _SECTIONS[section](feed, chosen, fields)


def _choose_range(as_of: datetime) -> Range:
    span = st.selectbox("Range", [*_SPANS, _OWN], index=1, width=140)
    # Whole days and hours, so that the same question is asked, and answered, once.
    end = as_of.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if span != _OWN:
        return Range(end - _SPANS[span or "30 days"] * _DAY, end)
    last = as_of.date()
    picked = st.date_input("From, to (UTC)", (last - 30 * _DAY, last), max_value=last, width=240)
    first, last = _both(picked, last)
    return Range(_midnight(first), _midnight(last) + _DAY)


def _both(picked: object, last: date) -> tuple[date, date]:
    """The two dates; the second is missing while a person has chosen only the first."""
    dates = [day for day in picked if isinstance(day, date)] if isinstance(picked, tuple) else []
    return (dates[0], dates[-1]) if dates else (last, last)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _say_nothing(feed: Feed) -> None:
    st.info(
        "Nothing in this range. Choose a longer one; roll-ups of an hour appear once it is over: "
        f"`vigie warehouse roll-up {feed.name}` computes them now.",
        icon=":material/event_busy:",
    )


def _show_evolution(feed: Feed, chosen: Range, fields: list[str]) -> None:
    frame = reading.trend(trends.read_evolution, feed, chosen, fields)
    if frame.empty:
        _say_nothing(feed)
        return
    st.caption(
        f"{chosen.begin:%Y-%m-%d} to {chosen.end:%Y-%m-%d}: mean of each {_unit(chosen)}, from the "
        "lowest to the highest value."
    )
    _in_columns(fields, lambda name: draw_band(frame, feed.fields[name]), feed)


def _show_windows(feed: Feed, chosen: Range, fields: list[str]) -> None:
    sliding = {format_duration(each.length): each for each in feed.windows.sliding}
    if not sliding:
        st.info("The contract names no sliding window.", icon=":material/tune:")
        return
    length = st.selectbox("Window", list(sliding), width=140)
    names = chosen.sensors or tuple(reading.snapshot(feed).sensors["sensor"])
    some = replace(chosen, sensors=names[: len(SERIES) // 2 if not chosen.sensors else len(SERIES)])
    frame = reading.trend(trends.read_windows, feed, some, fields, sliding[length])
    if frame.empty:
        _say_nothing(feed)
        return
    st.caption(
        f"Means of windows of {length}, each at its end; the last of the range, "
        f"of {len(some.sensors)} sensors."
    )
    _in_columns(fields, lambda name: draw_lines(frame, feed.fields[name]), feed)


def _show_alerts(feed: Feed, chosen: Range, fields: list[str]) -> None:
    rules = [name for name, alert in feed.alerts.items() if alert.when.field in fields]
    by_day = reading.trend(trends.read_alerts_by_day, feed, chosen)
    by_sensor = reading.trend(trends.read_alerts_by_sensor, feed, chosen)
    by_day, by_sensor = (each[each["rule"].isin(rules)] for each in (by_day, by_sensor))
    if by_day.empty:
        st.success(
            "No rule about these fields flagged a reading in this range.", icon=":material/check:"
        )
        return
    with st.container(horizontal=True):
        for name in rules:
            count = by_day.loc[by_day["rule"] == name, "count"].sum()
            show_figure(f"{name} ({feed.alerts[name].severity})", f"{count:,.0f}")
    show_chart("Flagged readings by day", draw_frequency(by_day, rules))
    show_chart("Sensors with most flagged readings", draw_distribution(by_sensor, rules))


def _show_sensors(feed: Feed, chosen: Range, fields: list[str]) -> None:
    frame = reading.trend(trends.read_by_sensor, feed, chosen, fields)
    if frame.empty:
        _say_nothing(feed)
        return
    st.caption("The mean of each sensor, from its lowest to its highest value.")
    if len(frame) > _MOST_SENSORS:
        st.caption(
            f"Drawn are the {_MOST_SENSORS} sensors with the highest mean; the table has all."
        )
    _in_columns(
        fields,
        lambda name: draw_sensors(frame.nlargest(_MOST_SENSORS, name), feed.fields[name]),
        feed,
    )
    titles = {name: f"{axis_of(feed.fields[name])}, mean" for name in fields}
    titles |= {f"{name}_{end}": f"{name}, {end}" for name in fields for end in ("min", "max")}
    show_table(frame, titles)


def _show_periods(feed: Feed, chosen: Range, fields: list[str]) -> None:
    chosen = chosen.in_whole_units
    periods = {THIS: chosen, BEFORE: chosen.before}
    frames = {
        period: reading.trend(trends.read_evolution, feed, each, fields)
        for period, each in periods.items()
    }
    missing = [period for period, frame in frames.items() if frame.empty]
    if missing:
        st.info(
            f"Nothing is known of {' and '.join(missing)}. Choose a shorter range, or later dates.",
            icon=":material/event_busy:",
        )
        return
    overall = {
        period: reading.trend(trends.read_overall, feed, each, fields).iloc[0]
        for period, each in periods.items()
    }
    both = pd.concat(
        frame.assign(period=period, day=(frame[AT] - periods[period].begin) / _DAY)
        for period, frame in frames.items()
    )
    st.caption(f"{chosen.begin:%Y-%m-%d} to {chosen.end:%Y-%m-%d}, and the same length before it.")
    with st.container(horizontal=True):
        for name in fields:
            now, before = (overall[period][name] for period in (THIS, BEFORE))
            st.metric(
                axis_of(feed.fields[name]),
                f"{now:.4g}",
                f"{now - before:+.3g} against before",
                delta_color="off",
                border=True,
            )
    _in_columns(fields, lambda name: draw_periods(both, feed.fields[name]), feed)


def _show_correlation(feed: Feed, chosen: Range, fields: list[str]) -> None:
    if len(feed.fields) < 2:
        st.info("One field has nothing to be compared with.", icon=":material/tune:")
        return
    names = fields if len(fields) > 2 else list(feed.fields)
    frame = reading.trend(trends.read_correlation, feed, chosen, names)
    if frame["value"].isna().all():
        _say_nothing(feed)
        return
    st.caption(
        f"Pearson's r of the means of each sensor and {_unit(chosen)}. "
        "Three or more fields chosen above are shown alone."
    )
    show_chart("Correlation of fields", draw_correlation(frame.dropna(), names))


def _in_columns(
    fields: list[str], draw: Callable[[str], alt.Chart | alt.LayerChart], feed: Feed
) -> None:
    columns = st.columns(min(len(fields), 2))
    for place, name in enumerate(fields):
        with columns[place % len(columns)]:
            show_chart(title_of(feed.fields[name]), draw(name))


def _unit(chosen: Range) -> str:
    return "hour" if chosen.period == "hourly" else "day"


_SECTIONS: Mapping[str, Callable[[Feed, Range, list[str]], None]] = {
    "Evolution": _show_evolution,
    "Window means": _show_windows,
    "Alerts": _show_alerts,
    "Sensors compared": _show_sensors,
    "Periods compared": _show_periods,
    "Correlation of fields": _show_correlation,
}
