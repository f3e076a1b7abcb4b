"""Sensors beside each other, periods on top of each other, fields against each other."""

from __future__ import annotations

import altair as alt
import pandas as pd

from vigie.contract.feed import Field
from vigie.dashboards.charts.lines import HEIGHT, axis_of
from vigie.dashboards.charts.palette import ACCENT, CONTRAST, QUIET

THIS, BEFORE = "this period", "the one before"
_DIVERGING = [CONTRAST, "#F7F7F7", ACCENT]


def draw_sensors(by_sensor: pd.DataFrame, field: Field) -> alt.LayerChart:
    """The mean of each sensor, on a line from its lowest to its highest value."""
    name = field.name
    base = alt.Chart(by_sensor, height=alt.Step(22)).encode(
        y=alt.Y("sensor:N", title=None, sort=alt.SortField(name, order="descending"))
    )
    scale = alt.Scale(zero=False, nice=True)
    spread = base.mark_rule(strokeWidth=3, color=QUIET).encode(
        x=alt.X(f"{name}_min:Q", title=axis_of(field), scale=scale), x2=f"{name}_max:Q"
    )
    mean = base.mark_point(filled=True, size=90, color=ACCENT, opacity=1).encode(
        x=alt.X(f"{name}:Q", title=axis_of(field), scale=scale),
        tooltip=[
            "sensor:N",
            alt.Tooltip(f"{name}:Q", title="mean", format=".4~g"),
            alt.Tooltip(f"{name}_min:Q", title="lowest", format=".4~g"),
            alt.Tooltip(f"{name}_max:Q", title="highest", format=".4~g"),
        ],
    )
    drawn: alt.LayerChart = spread + mean
    return drawn


def draw_periods(both: pd.DataFrame, field: Field) -> alt.Chart:
    """Two periods by the `day` since each began; the column `period` tells them apart."""
    drawn: alt.Chart = (
        alt.Chart(both[["period", "day", field.name]], height=HEIGHT)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("day:Q", title="days since the period began", axis=alt.Axis(tickCount=8)),
            y=alt.Y(
                f"{field.name}:Q", title=axis_of(field), scale=alt.Scale(zero=False, nice=True)
            ),
            color=alt.Color(
                "period:N",
                title=None,
                scale=alt.Scale(domain=[THIS, BEFORE], range=[ACCENT, CONTRAST]),
                legend=alt.Legend(orient="top"),
            ),
            strokeDash=alt.StrokeDash(
                "period:N",
                title=None,
                scale=alt.Scale(domain=[THIS, BEFORE], range=[[1, 0], [5, 3]]),
            ),
            tooltip=["period:N", alt.Tooltip("day:Q", format=".2f"), f"{field.name}:Q"],
        )
    )
    return drawn


def draw_correlation(pairs: pd.DataFrame, fields: list[str]) -> alt.LayerChart:
    """A square for each pair of fields, with its coefficient written in it."""
    base = alt.Chart(pairs, height=180 + 44 * len(fields)).encode(
        x=alt.X("one:N", title=None, sort=fields, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("other:N", title=None, sort=fields),
    )
    squares = base.mark_rect().encode(
        color=alt.Color(
            "value:Q",
            title="r",
            scale=alt.Scale(domain=[-1, 0, 1], range=_DIVERGING),
            legend=None,
        ),
        tooltip=["one:N", "other:N", alt.Tooltip("value:Q", title="r", format=".3f")],
    )
    written = base.mark_text().encode(
        text=alt.Text("value:Q", format=".2f"),
        color=alt.condition("abs(datum.value) > 0.6", alt.value("#FFFFFF"), alt.value("#0B1220")),
    )
    drawn: alt.LayerChart = squares + written
    return drawn
