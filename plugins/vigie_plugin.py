"""Registers the Streams page and a listener with Airflow; nothing else lies in this folder.

Airflow executes every Python file here under its bare name.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from vigie.orchestration import push_result
from vigie.orchestration.console.where import PAGE, PREFIX

_FROM_BASE = PREFIX.removeprefix("/")  # Without a slash it holds under any base path of Airflow.


class VigiePlugin(AirflowPlugin):
    """The Streams page behind Airflow's login, its entry in the menu, and who hears of runs."""

    name = "vigie"
    listeners: ClassVar[list[Any]] = [push_result]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Streams",
            "href": f"{_FROM_BASE}/{PAGE}",
            "destination": "nav",
            "url_route": PAGE,
            "nav_top_level": True,
            "icon": f"{_FROM_BASE}/page/icon.svg",
            "icon_dark_mode": f"{_FROM_BASE}/page/icon-dark.svg",
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The application; made by the API server alone, since every task loads plugins too."""
        from vigie.orchestration.console.app import make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "Vigie: streams"}]
