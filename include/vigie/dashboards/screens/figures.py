"""How a figure, a chart and a table stand on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st


def show_figure(label: str, value: str) -> None:
    """One number with what it counts."""
    st.metric(label, value, border=True)


def show_chart(title: str, chart: alt.Chart | alt.LayerChart) -> None:
    """A chart below its title, which says what is drawn, in which unit."""
    st.markdown(f"**{title}**")
    st.altair_chart(chart)


def show_table(frame: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Rows with readable column titles; moments in UTC, numbers with five digits."""
    columns: dict[str, Any] = {
        name: _column(frame[name].dtype, titles.get(name, name)) for name in frame.columns
    }
    st.dataframe(frame, hide_index=True, column_config=columns)


def _column(kind: Any, title: str) -> Any:
    if pd.api.types.is_datetime64_any_dtype(kind):
        return st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm:ss")
    if pd.api.types.is_float_dtype(kind):
        return st.column_config.NumberColumn(title, format="%.5g")
    return title
