"""Lines over time: one for each sensor, and a mean within a band."""

from __future__ import annotations

import altair as alt
import pandas as pd

from vigie.contract.feed import Field
from vigie.dashboards.charts.palette import ACCENT, SERIES
from vigie.dashboards.queries.views import AT

HEIGHT = 300
_FORMATS = ((2, "%H:%M"), (10, "%-d %b %H:%M"))
"""Up to how many days a moment on an axis is told how; longer, by its day."""
WHEN = alt.Tooltip(f"utcyearmonthdatehoursminutesseconds({AT}):T", title="UTC")


def title_of(field: Field) -> str:
    """What a field is, with its unit."""
    name = field.description or field.name
    return f"{name} ({field.unit})" if field.unit else name


def axis_of(field: Field) -> str:
    """The short form for an axis."""
    return f"{field.name} ({field.unit})" if field.unit else field.name


def draw_lines(frame: pd.DataFrame, field: Field, *, by: str = "sensor") -> alt.Chart:
    """Lines of the column `field.name` over time, a colour for each `by`."""
    names = sorted(frame[by].unique())
    value = f"{field.name}:Q"
    drawn: alt.Chart = (
        alt.Chart(frame[[by, AT, field.name]], height=HEIGHT)
        .mark_line(strokeWidth=1.8, point=len(frame) <= len(names) * 2)
        .encode(
            x=over_time(frame),
            y=alt.Y(value, title=axis_of(field), scale=alt.Scale(zero=False, nice=True)),
            color=alt.Color(
                f"{by}:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])),
                legend=alt.Legend(orient="top", columns=2),
            ),
            tooltip=[
                alt.Tooltip(f"{by}:N"),
                WHEN,
                alt.Tooltip(value, title=axis_of(field), format=".4~g"),
            ],
        )
    )
    return drawn


def draw_band(frame: pd.DataFrame, field: Field) -> alt.LayerChart:
    """The mean of all sensors over time, within their lowest and highest values.

    Columns: `AT`, `<field>`, `<field>_min`, `<field>_max`.
    """
    low, high, mean = f"{field.name}_min", f"{field.name}_max", field.name
    base = alt.Chart(frame[[AT, mean, low, high]], height=HEIGHT)
    scale = alt.Scale(zero=False, nice=True)
    band = base.mark_area(opacity=0.22, color=ACCENT).encode(
        x=over_time(frame), y=alt.Y(f"{low}:Q", title=axis_of(field), scale=scale), y2=f"{high}:Q"
    )
    line = base.mark_line(color=ACCENT, strokeWidth=2).encode(
        x=over_time(frame),
        y=alt.Y(f"{mean}:Q", title=axis_of(field), scale=scale),
        tooltip=[
            WHEN,
            alt.Tooltip(f"{mean}:Q", title="mean", format=".4~g"),
            alt.Tooltip(f"{low}:Q", title="lowest", format=".4~g"),
            alt.Tooltip(f"{high}:Q", title="highest", format=".4~g"),
        ],
    )
    drawn: alt.LayerChart = band + line
    return drawn


def over_time(frame: pd.DataFrame) -> alt.X:
    """The axis of the column `AT`: hours or days, whichever tell more.

    In UTC: the browser's own zone would say other hours than the warehouse.
    """
    days = (frame[AT].max() - frame[AT].min()) / pd.Timedelta(days=1)
    told = next((told for most, told in _FORMATS if days < most), "%-d %b")
    return alt.X(
        f"{AT}:T",
        title="time (UTC)",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(labelOverlap=True, tickCount=6, format=told),
    )
