"""The PromQL of dashboards and rules, and the names of metrics in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from vigie.metrics.rules import load_rules
from vigie.settings import HOME

PROMETHEUS_OWN = {"up", "ALERTS"}
SPARK = {"metrics_stream_driver_jvm_heap_used_Value"}
PUSHED = {f"vigie_dag_run_{what}" for what in ("rows", "seconds", "succeeded", "timestamp_seconds")}
FAILED = {"airflow_ti_failures"}
AIRFLOW = FAILED | {
    "airflow_executor_running_tasks",
    "airflow_executor_queued_tasks",
    "airflow_executor_open_slots",
    "airflow_dag_processing_total_parse_time",
}
"""What Airflow sends by StatsD; a failed task only once there was one."""
_NAME = re.compile(
    r"(?<![\w$\"])(?:vigie_\w+|metrics_\w+|airflow_\w+|up|ALERTS)\b(?=\s*[{\[)]|\s|$)"
)


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with the name of its dashboard, those inside rows too."""
    for path in sorted((HOME / "grafana/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for one in (panel, *panel.get("panels", ())):
                if one["type"] != "row":
                    yield path.stem, one


def expressions() -> list[str]:
    """What dashboards and rules ask, with the variables of Grafana filled in."""
    asked = [target["expr"] for _, panel in panels() for target in panel["targets"]]
    asked += [rule.expr for rule in load_rules(HOME / "prometheus/rules")]
    return [e.replace("$__rate_interval", "1m").replace("$feed", "air_quality") for e in asked]


def names(expression: str) -> set[str]:
    """The metrics an expression reads."""
    return set(_NAME.findall(expression))
