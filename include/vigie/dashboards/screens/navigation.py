"""The list of pages, made from the contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from vigie.contract.feed import Feed
from vigie.dashboards.screens import reading
from vigie.dashboards.screens.model import show_model
from vigie.dashboards.screens.now import show_now
from vigie.dashboards.screens.overview import show_overview
from vigie.dashboards.screens.trends import show_trends


def run_page() -> None:
    """Draw the list of pages, and the one whose address the browser has: `<feed>-<page>`."""
    feeds, faults = reading.feeds()
    links = {name: _feed_pages(feed) for name, feed in feeds.items()}
    overview = st.Page(
        partial(show_overview, feeds, faults, links),
        title="Overview",
        icon=":material/dashboard:",
        url_path="overview",
        default=True,
    )
    # Streamlit's own list with headings is no list to a screen reader.
    chosen = st.navigation([overview, *chain(*links.values())], position="hidden")
    with st.sidebar:
        st.page_link(overview)
        for name, feed in feeds.items():
            st.markdown(f"**{_heading(feed, feeds)}**")
            with st.container(horizontal=True, gap="small"):
                for page in links[name]:
                    st.page_link(page, width="content")
    chosen.run()


def _feed_pages(feed: Feed) -> list[StreamlitPage]:
    found = [
        _page(feed, "now", "Now", ":material/sensors:", show_now),
        _page(feed, "trends", "Trends", ":material/timeline:", show_trends),
    ]
    if feed.model:
        title = f"Model {feed.model.name}"
        found.append(_page(feed, "model", title, ":material/model_training:", show_model))
    return found


def _page(
    feed: Feed, path: str, title: str, icon: str, show: Callable[[Feed], None]
) -> StreamlitPage:
    # A feed's name has no hyphen, so that no two pages have one address.
    return st.Page(partial(show, feed), title=title, icon=icon, url_path=f"{feed.name}-{path}")


def _heading(feed: Feed, feeds: Mapping[str, Feed]) -> str:
    """The feed's title, with its name where another feed has the same title."""
    same = sum(other.title == feed.title for other in feeds.values())
    return feed.title if same == 1 else f"{feed.title} ({feed.name})"
