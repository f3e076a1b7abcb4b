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
PUSHED = {"vigie_dag_run_seconds", "vigie_dag_run_succeeded", "vigie_dag_run_timestamp_seconds"}
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
