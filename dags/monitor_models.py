"""Looks at each model as event time goes on: error, drift, whether to train or to return."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from vigie.contract.loader import load_feeds
from vigie.orchestration.monitor_model import MONITOR_PAGE, monitor_or_skip
from vigie.orchestration.train_model import drift_asset
from vigie.orchestration.watch_event_time import WatchEventTime

event_time = Asset(
    name="event_time",
    uri="vigie://event_time",
    watchers=[AssetWatcher(name="event_time", trigger=WatchEventTime())],
)


@dag(
    dag_id="monitor_models",
    schedule=[event_time],
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    # No retries: the next look comes by itself.
    default_args={"owner": "vigie", "retries": 0},
    tags=["models"],
    doc_md=MONITOR_PAGE,
)
def monitor_models() -> None:
    def monitor(model: str, outlet_events: Any = None) -> None:
        monitor_or_skip(model, drift_asset(model), outlet_events)

    for feed in load_feeds().values():
        if feed.model:
            name = feed.model.name
            task(monitor, task_id=name, outlets=[drift_asset(name)])(name)


monitor_models()
