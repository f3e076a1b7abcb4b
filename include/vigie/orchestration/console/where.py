"""Where the Streams page is in Airflow; imported by every component that loads plugins."""

from __future__ import annotations

PREFIX = "/vigie"
"""Under which the application is mounted."""
PAGE = "streams"
"""The page itself, below the prefix, and its name in Airflow's own addresses."""
