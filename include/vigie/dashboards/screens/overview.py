"""The first page: every feed at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from vigie.contract.feed import Feed
from vigie.dashboards.queries.now import recent
from vigie.dashboards.screens import reading
from vigie.dashboards.screens.saying import keep_fresh, said_length, show_safely


def show_overview(
    feeds: Mapping[str, Feed],
    faults: Mapping[str, str],
    links: Mapping[str, Sequence[StreamlitPage]],
) -> None:
    """A card for each feed, and what is wrong with contracts that cannot be read."""
    st.title("Vigie", anchor=False)
    for name, fault in faults.items():
        st.error(f"**{name}** cannot be shown: its contract is wrong.\n\n{fault}")
    if not feeds:
        st.info("No feed has a contract. `vigie feed new NAME` prints one to begin with.")
    show_safely(_show, feeds, links)


def _show(feeds: Mapping[str, Feed], links: Mapping[str, Sequence[StreamlitPage]]) -> None:
    for name, feed in feeds.items():
        with st.container(border=True):
            st.subheader(feed.title, anchor=False)
            st.caption(feed.description)
            keep_fresh(_show_figures, feed)
            with st.container(horizontal=True):
                for page in links[name]:
                    st.page_link(page)


def _show_figures(feed: Feed) -> None:
    found = reading.snapshot(feed)
    if found.as_of is None:
        st.markdown(f"No readings yet. Start the stream with `vigie stream start {feed.name}`.")
        return
    with st.container(horizontal=True):
        st.metric("Sensors reporting", f"{found.reporting:,} of {len(found.sensors):,}")
        st.metric("Alerts open", f"{len(found.alerts):,}")
        st.metric("Quarantined in 24 h", f"{found.quarantined:,}")
        late = found.ago > recent(feed)
        age = f"{said_length(found.ago)} ago"
        st.metric("Newest reading", f"{age} (late)" if late else age)
    st.caption(f"Data as of {found.as_of:%Y-%m-%d %H:%M:%S} UTC")
