"""What a page says beside its figures: how old they are, why there are none, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import streamlit as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from streamlit.logger import get_logger

from vigie.contract.feed import Feed
from vigie.dashboards.queries.now import recent
from vigie.dashboards.screens import reading
from vigie.errors import SettingsError
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine

_AWAY = (SQLAlchemyError, SettingsError)
_AGAIN = 3.0
"""Seconds between two looks for a warehouse that is away."""


def show_safely(page: Callable[..., None], *arguments: Any) -> None:
    """Draw a page; where the warehouse does not answer, say so and come back when it does."""
    try:
        page(*arguments)
    except _AWAY as error:
        _say_away(error)
        st.fragment(_come_back, run_every=_AGAIN)()


def keep_fresh(part: Callable[..., None], *arguments: Any) -> None:
    """Draw a part of a page again and again while a browser looks at it."""
    st.fragment(_part, run_every=get_settings().pages_refresh)(part, *arguments)


def say_as_of(feed: Feed, as_of: datetime, ago: timedelta) -> None:
    """Say how old the newest reading is, and what to do if that is too old."""
    age = said_length(ago)
    st.caption(f"Data as of **{as_of:%Y-%m-%d %H:%M:%S} UTC**, {age} ago")
    if ago > recent(feed):
        st.warning(
            f"No reading for {age}. `vigie status` says what the stream does; "
            f"`vigie stream start {feed.name}` starts it. Below is what was known then.",
            icon=":material/schedule:",
        )


def wait_for_readings(feed: Feed) -> None:
    """Say how readings come here; the page begins by itself once the first is stored."""
    keep_fresh(_wait, feed)


def _wait(feed: Feed) -> None:
    if reading.snapshot(feed).as_of is not None:
        st.rerun()
    st.info(
        f"**No readings yet.** Start the stream with `vigie stream start {feed.name}`; "
        f"`vigie simulate {feed.name} --rate 10` sends some. This page begins by itself.",
        icon=":material/hourglass_empty:",
    )


def said_length(length: timedelta) -> str:
    """A length of time in the largest unit it has two of."""
    seconds = length.total_seconds()
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _part(part: Callable[..., None], *arguments: Any) -> None:
    try:
        part(*arguments)
    except _AWAY as error:
        _say_away(error)


def _come_back() -> None:
    try:
        with get_engine("reader").connect() as connection:
            connection.execute(text("SELECT 1"))
    except _AWAY:
        return
    st.rerun()


def _say_away(error: Exception) -> None:
    get_logger(__name__).warning("%s", getattr(error, "orig", error))
    if isinstance(error, ProgrammingError):
        st.error(
            "**The warehouse lacks a view of this page.** `vigie warehouse verify` names it; "
            "`vigie warehouse plan` and `vigie warehouse apply` make it.",
            icon=":material/table_view:",
        )
        return
    st.error(
        "**The warehouse does not answer.** `vigie status` shows what is down; `vigie up` starts "
        "it. This page tries again by itself.",
        icon=":material/cloud_off:",
    )
