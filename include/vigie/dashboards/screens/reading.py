"""Reads the warehouse for a page, once for all browsers that look at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import FunctionType
from typing import Any

import pandas as pd
import streamlit as st

from vigie.contract.feed import Feed, Model, Window
from vigie.contract.loader import contract_fault, feed_titles, get_feed
from vigie.dashboards.queries import models, now
from vigie.dashboards.queries.trends import Range
from vigie.warehouse.engines import get_engine

_HASH: dict[str | type[Any], Callable[[Any], Any]] = {
    Feed: lambda feed: feed.hash,
    Range: repr,
    Window: repr,
    Model: repr,
    FunctionType: lambda read: read.__qualname__,
}
_BRIEF, _A_WHILE = 1.0, 30.0
"""Seconds for which an answer is good: of live pages, and of what changes rarely."""


@st.cache_resource(ttl=_A_WHILE, show_spinner=False)
def feeds() -> tuple[dict[str, Feed], dict[str, str]]:
    """Every feed whose contract can be read, and what is wrong with the others."""
    faults = {name: contract_fault(name) for name in feed_titles()}
    good = {name: get_feed(name) for name, fault in faults.items() if fault is None}
    return good, {name: fault for name, fault in faults.items() if fault is not None}


@st.cache_data(ttl=_BRIEF, show_spinner=False, hash_funcs=_HASH)
def snapshot(feed: Feed) -> now.Snapshot:
    """The feed as it is now."""
    with get_engine("reader").connect() as connection:
        return now.read_snapshot(connection, feed)


@st.cache_data(ttl=_BRIEF, show_spinner=False, hash_funcs=_HASH)
def newest_alerts(feed: Feed, as_of: datetime) -> pd.DataFrame:
    """Readings of the last day that a rule flagged."""
    with get_engine("reader").connect() as connection:
        return now.read_newest_alerts(connection, feed, as_of)


@st.cache_data(ttl=_BRIEF, show_spinner=False, hash_funcs=_HASH)
def series(
    feed: Feed, fields: Sequence[str], sensors: Sequence[str], begin: datetime, end: datetime
) -> pd.DataFrame:
    """Fine series of some fields and sensors."""
    with get_engine("reader").connect() as connection:
        return now.read_series(
            connection, feed, fields=fields, sensors=sensors, begin=begin, end=end
        )


@st.cache_data(ttl=_A_WHILE, show_spinner=False, hash_funcs=_HASH)
def trend(read: Callable[..., pd.DataFrame], feed: Feed, *arguments: Any) -> pd.DataFrame:
    """What one of the queries over a range of time finds."""
    with get_engine("reader").connect() as connection:
        return read(connection, feed, *arguments)


@st.cache_data(ttl=_BRIEF, show_spinner=False, hash_funcs=_HASH)
def newest_said(model: Model) -> datetime | None:
    """The newest moment of which a model said something."""
    with get_engine("reader").connect() as connection:
        return models.read_newest_said(connection, model)


@st.cache_data(ttl=_A_WHILE, show_spinner=False, hash_funcs=_HASH)
def said_sensors(model: Model, begin: datetime, end: datetime) -> list[str]:
    """The sensors of which a model said something."""
    with get_engine("reader").connect() as connection:
        return models.read_said_sensors(connection, model, begin, end)


@st.cache_data(ttl=_BRIEF, show_spinner=False, hash_funcs=_HASH)
def said(model: Model, sensors: Sequence[str], begin: datetime, end: datetime) -> pd.DataFrame:
    """What a model said of some sensors, and what was true."""
    with get_engine("reader").connect() as connection:
        return models.read_said(connection, model, sensors, begin, end)


@st.cache_data(ttl=_A_WHILE, show_spinner=False, hash_funcs=_HASH)
def errors(model: Model) -> pd.DataFrame:
    """A model's errors by day and version."""
    with get_engine("reader").connect() as connection:
        return models.read_errors(connection, model)


@st.cache_data(ttl=_A_WHILE, show_spinner=False, hash_funcs=_HASH)
def versions(model: Model) -> pd.DataFrame:
    """A model's newest versions."""
    with get_engine("reader").connect() as connection:
        return models.read_versions(connection, model)
