"""The analysts' pages: what Streamlit runs for each browser, at every step there."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vigie.dashboards.screens.navigation import run_page

_ICON = Path(__file__).with_name("icon.png")

st.set_page_config(page_title="Vigie", page_icon=str(_ICON), layout="wide")
run_page()
