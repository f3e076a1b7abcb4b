"""What stands around the streams: Airflow's components and the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx

from vigie.metrics.sources import Sample
from vigie.settings import get_settings

# Component → where Airflow keeps its last heartbeat; the database has none.
_COMPONENTS = {
    "metadatabase": None,
    "scheduler": "latest_scheduler_heartbeat",
    "triggerer": "latest_triggerer_heartbeat",
    "dag_processor": "latest_dag_processor_heartbeat",
}
_SECONDS = 2.0


class Airflow:
    """Asks Airflow how it is; its answer needs no log-in."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=get_settings().airflow, timeout=_SECONDS)

    def read(self) -> Iterable[Sample]:
        """One request."""
        found: dict[str, Any] = self._http.get("/api/v2/monitor/health").raise_for_status().json()
        for component, beat in _COMPONENTS.items():
            told = found.get(component) or {}
            healthy = float(told.get("status") == "healthy")
            yield Sample("vigie_airflow_component_up", (component,), healthy)
            if beat and told.get(beat):
                moment = datetime.fromisoformat(told[beat]).timestamp()
                yield Sample("vigie_airflow_heartbeat_timestamp_seconds", (component,), moment)


def read_disk() -> Iterable[Sample]:
    """The disk of the state folder."""
    settings = get_settings()
    usage = shutil.disk_usage(settings.state)
    yield Sample("vigie_disk_free_bytes", (), usage.free)
    yield Sample("vigie_disk_size_bytes", (), usage.total)
    yield Sample("vigie_disk_floor_bytes", (), settings.disk_floor * 1e9)
