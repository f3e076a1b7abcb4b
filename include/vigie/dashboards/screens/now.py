"""*Now*: what a feed's sensors are doing, on screen as it is stored."""

from __future__ import annotations

from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed
from vigie.dashboards.charts.lines import axis_of, draw_lines, title_of
from vigie.dashboards.charts.places import draw_places
from vigie.dashboards.queries.now import Snapshot, recent
from vigie.dashboards.queries.states import state_of
from vigie.dashboards.screens import reading
from vigie.dashboards.screens.controls import choose_fields, choose_sensors
from vigie.dashboards.screens.figures import show_chart, show_figure, show_table
from vigie.dashboards.screens.saying import keep_fresh, say_as_of, show_safely, wait_for_readings

_SPANS = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)
_FEWEST_PANES = 4


def show_now(feed: Feed) -> None:
    """The page of one feed."""
    st.title(feed.title, anchor=False)
    show_safely(_show, feed)


def _show(feed: Feed) -> None:
    found = reading.snapshot(feed)
    if found.as_of is None:
        wait_for_readings(feed)
        return
    keep_fresh(_show_head, feed)
    st.subheader("Live series", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = _choose_span(feed)
        fields = choose_fields(feed, count=2)
        sensors = choose_sensors(feed, found.sensors["sensor"].tolist(), count=3)
    keep_fresh(_show_series, feed, span, tuple(fields), tuple(sensors))
    st.subheader("Sensors", anchor=False)
    keep_fresh(_show_sensors, feed)


def _show_head(feed: Feed) -> None:
    found = reading.snapshot(feed)
    if found.as_of is None:
        return
    say_as_of(feed, found.as_of, found.ago)
    length = format_duration(recent(feed))
    with st.container(horizontal=True):
        show_figure("Sensors reporting", f"{found.reporting:,} of {len(found.sensors):,}")
        show_figure(f"Readings in {length}", f"{found.readings:,}")
        show_figure("Alerts open", f"{len(found.alerts):,}")
        show_figure("Quarantined in 24 h", f"{found.quarantined:,}")
    _show_alerts(feed, found)


def _show_alerts(feed: Feed, found: Snapshot) -> None:
    if not feed.alerts or found.as_of is None:
        return
    st.subheader("Alerts", anchor=False)
    if not found.alerts.empty:
        show_table(
            _with_units(found.alerts, feed),
            {"since": "open since (UTC)", "last_flagged": "last flagged (UTC)"},
        )
        return
    newest = reading.newest_alerts(feed, found.as_of)
    if newest.empty:
        st.success("No alert is open, and none in the last 24 hours.", icon=":material/check:")
        return
    st.markdown("No alert is open. Readings of the last 24 hours that a rule flagged:")
    show_table(_with_units(newest, feed), {"event_time": "measured (UTC)"})


def _show_series(
    feed: Feed, span: timedelta, fields: tuple[str, ...], sensors: tuple[str, ...]
) -> None:
    found = reading.snapshot(feed)
    if found.as_of is None or not fields or not sensors:
        st.info("Choose at least one field and one sensor.", icon=":material/tune:")
        return
    frame = reading.series(feed, fields, sensors, found.as_of - span, found.as_of)
    if frame.empty:
        st.info(
            f"None of these sensors sent a reading in the last {format_duration(span)}. "
            "Choose others, or a longer span.",
            icon=":material/timeline:",
        )
        return
    columns = st.columns(min(len(fields), 2))
    for place, name in enumerate(fields):
        with columns[place % len(columns)]:
            show_chart(title_of(feed.fields[name]), draw_lines(frame, feed.fields[name]))


def _show_sensors(feed: Feed) -> None:
    found = reading.snapshot(feed)
    sensors = found.sensors.assign(state=state_of(found))
    if feed.position and sensors["longitude"].notna().any():
        shown = [
            alt.Tooltip("sensor:N"),
            alt.Tooltip("state:N"),
            alt.Tooltip("utcyearmonthdatehoursminutesseconds(event_time):T", title="UTC"),
            *(
                alt.Tooltip(f"{name}:Q", title=axis_of(field), format=".4~g")
                for name, field in feed.fields.items()
            ),
        ]
        show_chart("Where the sensors are, and in what state", draw_places(sensors, shown))
    columns = ["sensor", "state", "event_time", *(["status"] if feed.status else []), *feed.fields]
    units = {name: axis_of(field) for name, field in feed.fields.items()}
    show_table(sensors[columns], {"event_time": "measured (UTC)", **units})


def _choose_span(feed: Feed) -> timedelta:
    spans = [span for span in _SPANS if span >= _FEWEST_PANES * feed.windows.pane]
    chosen = st.selectbox(
        "Time span", spans, index=min(1, len(spans) - 1), format_func=format_duration, width=140
    )
    return chosen or spans[0]


def _with_units(alerts: pd.DataFrame, feed: Feed) -> pd.DataFrame:
    units = alerts["field"].map(lambda name: feed.fields[name].unit if name in feed.fields else "")
    return alerts.assign(unit=units)
