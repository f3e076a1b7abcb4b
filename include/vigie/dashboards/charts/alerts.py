"""How often rules flag readings, over time and by sensor."""

from __future__ import annotations

import altair as alt
import pandas as pd

from vigie.dashboards.charts.palette import SERIES
from vigie.dashboards.queries.views import AT

_COUNT = alt.Y("count:Q", title="flagged readings")


def draw_frequency(by_day: pd.DataFrame, rules: list[str]) -> alt.Chart:
    """Bars by day, a colour for each rule."""
    drawn: alt.Chart = (
        alt.Chart(by_day, height=280)
        .mark_bar()
        .encode(
            x=alt.X(
                f"utcyearmonthdate({AT}):T",
                title="day (UTC)",
                axis=alt.Axis(format="%-d %b", labelOverlap=True, tickCount=8),
            ),
            y=_COUNT,
            color=_colour(rules),
            tooltip=[
                alt.Tooltip(f"utcyearmonthdate({AT}):T", title="day (UTC)"),
                "rule:N",
                "severity:N",
                "count:Q",
            ],
        )
    )
    return drawn


def draw_distribution(by_sensor: pd.DataFrame, rules: list[str]) -> alt.Chart:
    """A bar for each sensor, the most flagged first, a colour for each rule."""
    drawn: alt.Chart = (
        alt.Chart(by_sensor, height=alt.Step(22))
        .mark_bar()
        .encode(
            x=alt.X("count:Q", title="flagged readings"),
            y=alt.Y("sensor:N", title=None, sort="-x"),
            color=_colour(rules),
            tooltip=["sensor:N", "rule:N", "severity:N", "count:Q"],
        )
    )
    return drawn


def _colour(rules: list[str]) -> alt.Color:
    colours = [SERIES[place % len(SERIES)] for place in range(len(rules))]
    return alt.Color(
        "rule:N",
        title=None,
        scale=alt.Scale(domain=rules, range=colours),
        legend=alt.Legend(orient="top", columns=2),
    )
