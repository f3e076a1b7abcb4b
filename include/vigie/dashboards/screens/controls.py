"""What a person chooses on a page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vigie.contract.feed import Feed
from vigie.dashboards.charts.lines import axis_of
from vigie.dashboards.charts.palette import SERIES


def choose_fields(feed: Feed, *, count: int) -> list[str]:
    """Fields of the feed; the first `count` to begin with."""
    names = list(feed.fields)
    return st.multiselect(
        "Fields",
        names,
        default=names[:count],
        format_func=lambda name: axis_of(feed.fields[name]),
        placeholder="Choose fields",
        width=360,
    )


def choose_sensors(feed: Feed, sensors: Sequence[str], *, count: int) -> list[str]:
    """As many sensors at most as there are colours; the first `count` to begin with."""
    return st.multiselect(
        f"Sensors ({len(SERIES)} at most)",
        sensors,
        default=sensors[:count],
        max_selections=len(SERIES),
        placeholder="Choose sensors",
        key=f"sensors-{feed.name}",
        width=420,
    )
