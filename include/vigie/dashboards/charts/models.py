"""What a model said and what was true, what is left between them, and its error by day."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from vigie.contract.feed import Field
from vigie.dashboards.charts.lines import HEIGHT, WHEN, axis_of, over_time
from vigie.dashboards.charts.palette import ACCENT, CONTRAST, QUIET, SERIES
from vigie.dashboards.queries.views import AT

_COLOURS = {"actual": ACCENT, "predicted": CONTRAST, "yesterday": "#009E73", "last_week": "#CC79A7"}


def draw_said(frame: pd.DataFrame, field: Field, kinds: Sequence[str]) -> alt.Chart:
    """Lines of some of `actual`, `predicted` and the baselines, of one sensor."""
    long = frame.melt(id_vars=[AT], value_vars=list(kinds), var_name="kind").dropna()
    drawn: alt.Chart = (
        alt.Chart(long, height=HEIGHT)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=over_time(frame),
            y=alt.Y("value:Q", title=axis_of(field), scale=alt.Scale(zero=False, nice=True)),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(kinds), range=[_COLOURS[kind] for kind in kinds]),
                legend=alt.Legend(orient="top", columns=2),
            ),
            strokeDash=alt.StrokeDash(
                "kind:N",
                title=None,
                scale=alt.Scale(
                    domain=list(kinds),
                    range=[[1, 0] if kind == "actual" else [6, 3] for kind in kinds],
                ),
            ),
            tooltip=["kind:N", WHEN, alt.Tooltip("value:Q", format=".4~g")],
        )
    )
    return drawn


def draw_residuals(frame: pd.DataFrame, field: Field) -> alt.LayerChart:
    """Actual less predicted, a point each, a colour for each version."""
    versions = sorted(frame["model_version"].dropna().unique())
    points = (
        alt.Chart(frame[[AT, "residual", "model_version"]].dropna(), height=HEIGHT)
        .mark_point(filled=True, size=22, opacity=0.7)
        .encode(
            x=over_time(frame),
            y=alt.Y("residual:Q", title=f"actual less predicted ({field.unit or ''})"),
            color=alt.Color(
                "model_version:O",
                title="version",
                scale=alt.Scale(domain=versions, range=_cycle(len(versions))),
                legend=alt.Legend(orient="top", format=".0f"),
            ),
            tooltip=[WHEN, alt.Tooltip("residual:Q", format=".3~g"), "model_version:O"],
        )
    )
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=QUIET).encode(y="y:Q")
    drawn: alt.LayerChart = zero + points
    return drawn


def draw_errors(errors: pd.DataFrame, field: Field) -> alt.Chart:
    """The mean absolute error of each day, a colour for each version."""
    versions = sorted(errors["version"].unique())
    drawn: alt.Chart = (
        alt.Chart(errors, height=HEIGHT)
        .mark_line(strokeWidth=1.8, point=True)
        .encode(
            x=alt.X(
                f"{AT}:T",
                title="day of event time (UTC)",
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%-d %b", labelOverlap=True, tickCount=8),
            ),
            y=alt.Y("mae:Q", title=f"mean absolute error ({field.unit or ''})"),
            color=alt.Color(
                "version:O",
                scale=alt.Scale(domain=versions, range=_cycle(len(versions))),
                legend=alt.Legend(orient="top", format=".0f"),
            ),
            tooltip=[WHEN, "version:O", alt.Tooltip("mae:Q", format=".3~g"), "predictions:Q"],
        )
    )
    return drawn


def _cycle(count: int) -> list[str]:
    return [SERIES[place % len(SERIES)] for place in range(count)]
