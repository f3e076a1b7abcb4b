"""Prometheus and what goes with it in the local stack, each part where it is installed.

Alertmanager, Pushgateway, and the exporter of what Airflow sends by StatsD.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from vigie.contract.loader import feed_files
from vigie.local.answering import answers
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.settings import HOME

NAMES = ("prometheus", "alertmanager", "pushgateway", "statsd_exporter")
"""What each is called, as a program and as a part with a port."""
PROMETHEUS, ALERTMANAGER, PUSHGATEWAY, STATSD_EXPORTER = NAMES
_KEPT = "7d"
_RULES = HOME / "prometheus"
_OF_SPARK = "metrics_(master|worker|stream_driver_DAGScheduler|.*jvm_heap_used).*_Value"
"""Of hundreds of metrics these; the JVM heap of a driver is `metrics_stream_driver_jvm_heap_…`."""
_FETCHED = HOME / ".cache" / "prometheus" / "usr" / "bin"
"""Where `make prometheus` unpacks them."""


def installed() -> Mapping[str, str]:
    """What is on the PATH, or fetched: name → command; none without Prometheus itself.

    Debian has names of its own for two of them, and an Alertmanager that starts only where it is
    installed: it looks for its templates below /usr/share.
    """
    installed_path = os.environ.get("PATH", os.defpath)
    any_path = os.pathsep.join([installed_path, str(_FETCHED)])
    known = {
        PROMETHEUS: (any_path, "prometheus"),
        ALERTMANAGER: (installed_path, "prometheus-alertmanager", "alertmanager"),
        PUSHGATEWAY: (any_path, "prometheus-pushgateway", "pushgateway"),
        STATSD_EXPORTER: (any_path, "prometheus-statsd-exporter", "statsd_exporter"),
    }
    found = {
        name: next(filter(None, (shutil.which(one, path=path) for one in commands)), None)
        for name, (path, *commands) in known.items()
    }
    if found[PROMETHEUS] is None:
        return {}
    return {name: command for name, command in found.items() if command}


def programs(stack: Stack) -> list[Program]:
    """Those that are installed."""
    arguments = {
        PROMETHEUS: (
            f"--config.file={_folder(stack) / 'prometheus.json'}",
            f"--storage.tsdb.path={_folder(stack) / 'data'}",
            f"--storage.tsdb.retention.time={_KEPT}",
        ),
        ALERTMANAGER: (
            f"--config.file={_RULES / 'alertmanager.yaml'}",
            f"--storage.path={_folder(stack) / 'alertmanager'}",
            # One alone needs no port for others of its kind.
            "--cluster.listen-address=",
        ),
        PUSHGATEWAY: (f"--persistence.file={_folder(stack) / 'pushgateway'}",),
        STATSD_EXPORTER: (f"--statsd.listen-udp={stack.address('statsd')}", "--statsd.listen-tcp="),
    }
    return [
        Program(
            name,
            (path, *arguments[name], f"--web.listen-address={stack.address(name)}"),
            reads=_fingerprint(stack),
        )
        for name, path in installed().items()
    ]


def initialise(stack: Stack) -> None:
    """Write what Prometheus scrapes and which rules it evaluates."""
    _folder(stack).mkdir(parents=True, exist_ok=True)
    text = json.dumps(configuration(stack), indent=2)
    (_folder(stack) / "prometheus.json").write_text(text + "\n")


def configuration(stack: Stack) -> dict[str, Any]:
    """Prometheus' configuration, for what of this stack shows metrics."""
    there = installed()
    kept = {"source_labels": ["__name__"], "regex": _OF_SPARK, "action": "keep"}
    spark = {"metrics_path": "/metrics/prometheus/", "metric_relabel_configs": [kept]}
    drivers, batches = (
        [
            _target(f"{LOOPBACK}:{stack.ports[first] + place}", feed=feed)
            for place, feed in enumerate(path.stem for path in feed_files())
        ]
        for first in ("spark_drivers", "driver_metrics")
    )
    jobs = [
        _job("vigie", [_target(stack.address("exporter"))]),
        _job("ingest", [_target(stack.address("ingest"))]),
        _job("spark-master", [_target(stack.address("spark_master_ui"))], **spark),
        _job("spark-worker", [_target(stack.address("spark_worker_ui"))], **spark),
        _job("spark-driver", drivers, **spark),
        _job("driver", batches, honor_labels=True),
        # There while `make load` runs.
        _job("load", [_target(stack.address("load"))]),
    ]
    if PUSHGATEWAY in there:
        pushed = [_target(stack.address(PUSHGATEWAY))]
        jobs.append(_job("pushgateway", pushed, honor_labels=True))
    if STATSD_EXPORTER in there:
        jobs.append(_job("airflow", [_target(stack.address(STATSD_EXPORTER))]))
    alerting = [_target(stack.address(ALERTMANAGER))] if ALERTMANAGER in there else []
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [str(_RULES / "rules" / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": alerting}]},
        "scrape_configs": jobs,
    }


def is_up(stack: Stack, name: str) -> bool:
    """Whether one of them answers."""
    return answers(f"http://{stack.address(name)}/-/ready")


def _fingerprint(stack: Stack) -> str:
    """Of what they read when they start: another one starts them anew."""
    digest = sha256(json.dumps(configuration(stack)).encode())
    for path in sorted(_RULES.rglob("*.yaml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _job(name: str, targets: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, Any]:
    return {"job_name": name, "static_configs": list(targets), **options}


def _target(address: str, **labels: str) -> dict[str, Any]:
    return {"targets": [address], "labels": labels}


def _folder(stack: Stack) -> Path:
    return stack.state / "prometheus"
