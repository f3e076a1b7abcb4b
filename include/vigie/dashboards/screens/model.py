"""The page of a feed's model: what it says, what was true, and how good each version is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Field, Model
from vigie.dashboards.charts.lines import title_of
from vigie.dashboards.charts.models import draw_errors, draw_residuals, draw_said
from vigie.dashboards.queries.models import BASELINES
from vigie.dashboards.queries.views import AT
from vigie.dashboards.screens import reading
from vigie.dashboards.screens.figures import show_chart, show_figure, show_table
from vigie.dashboards.screens.saying import keep_fresh, show_safely

_SPANS = tuple(map(timedelta, (1, 3, 14, 60)))
_NEWEST = 100


def show_model(feed: Feed) -> None:
    """The page of the model of one feed, which has one."""
    if feed.model is None:
        return
    st.title(f"Model {feed.model.name}", anchor=False)
    st.caption(f"{feed.title}: {title_of(feed.fields[feed.model.target])}")
    show_safely(_show, feed, feed.model)


def _show(feed: Feed, model: Model) -> None:
    newest = reading.newest_said(model)
    if newest is None:
        keep_fresh(_wait, feed, model)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # Of a day, a live model has hundreds of points, and a forecast is one.
        span = st.selectbox("Time span", _SPANS, index=1, format_func=format_duration, width=140)
        sensors = reading.said_sensors(model, newest - (span or _SPANS[1]), newest)
        sensor = st.selectbox("Sensor", sensors, width=240)
    keep_fresh(_show_said, feed, model, span or _SPANS[1], sensor)
    st.subheader("Versions and their errors", anchor=False)
    _show_versions(model, feed.fields[model.target])


def _wait(feed: Feed, model: Model) -> None:
    if reading.newest_said(model) is not None:
        st.rerun()
    dag = "train" if model.scored == "stream" else "forecast"
    st.info(
        f"**The model has said nothing yet.** Unpause the DAG `{dag}_{model.name}` in Airflow, or "
        f"train by `vigie model train {model.name}`, while `vigie stream start {feed.name}` brings "
        "readings. This page begins by itself.",
        icon=":material/hourglass_empty:",
    )


def _show_said(feed: Feed, model: Model, span: timedelta, sensor: str | None) -> None:
    newest = reading.newest_said(model)
    if newest is None or sensor is None:
        return
    field = feed.fields[model.target]
    _say_until(model, newest)
    frame = reading.said(model, [sensor], newest - span, newest)
    _show_figures(frame, field, model)
    if frame["predicted"].isna().all():
        reasons = ", ".join(sorted(frame["reason"].dropna().unique())) or "nobody knows why"
        st.warning(f"No number for this sensor in this time: {reasons}.")
        return
    baselines = BASELINES if model.scored == "nightly" else ()
    show_chart(title_of(field), draw_said(frame, field, ("actual", "predicted", *baselines)))
    if frame["residual"].notna().any():
        show_chart("What is left between them", draw_residuals(frame, field))
    unit = f" ({field.unit})" if field.unit else ""
    titles = {AT: "measured (UTC)", "model_version": "version", "reason": "why there is none"}
    titles |= {name: f"{name}{unit}" for name in ("predicted", "actual", "residual")}
    titles |= {name: f"{name.replace('_', ' ')}{unit}" for name in BASELINES}
    show_table(frame.drop(columns="sensor").head(_NEWEST), titles)


def _say_until(model: Model, newest: datetime) -> None:
    what = "Data as of" if model.scored == "stream" else "Forecast until"
    st.caption(f"{what} **{newest:%Y-%m-%d %H:%M:%S} UTC**")


def _show_figures(frame: pd.DataFrame, field: Field, model: Model) -> None:
    unit = field.unit or ""
    version = frame["model_version"].dropna()
    known = frame.dropna(subset=["actual", "predicted"])
    with st.container(horizontal=True):
        show_figure("Version", f"{version.iloc[0]:.0f}" if len(version) else "none")
        show_figure("Predicted", f"{frame['predicted'].notna().mean():.0%}")
        show_figure("Mean absolute error", _number(known["residual"].abs().mean(), unit))
        if model.scored == "stream":
            show_figure("Bias", _number(-known["residual"].mean(), unit))
            return
        for name in BASELINES:
            error = (known["actual"] - known[name]).abs().mean()
            show_figure(f"Error of {name.replace('_', ' ')}", _number(error, unit))


def _show_versions(model: Model, field: Field) -> None:
    errors, versions = reading.errors(model), reading.versions(model)
    if errors.empty:
        st.info(
            "No error is known yet: `monitor_models` computes them once the true values are old "
            f"enough ({format_duration(model.label_delay)}).",
            icon=":material/query_stats:",
        )
    else:
        show_chart("Mean absolute error by day", draw_errors(errors, field))
    titles = {
        "trained_begin": "trained from (UTC)",
        "trained_end": "to (UTC)",
        "trained_rows": "rows",
        "created_at": "registered (UTC)",
        "champion_since": "champion since (UTC)",
    }
    show_table(versions, titles)


def _number(value: float, unit: str) -> str:
    return "not known yet" if pd.isna(value) else f"{value:.3g} {unit}"
