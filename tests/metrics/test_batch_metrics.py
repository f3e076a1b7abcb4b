"""The metrics of a driver: shown at its port, as soon as the driver before has let go of it."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pyarrow as pa
import pytest

from tests.services import environment
from tests.unit.streaming.test_split import judged
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.streaming import assemble, batch_metrics
from vigie.streaming.commit import Batch
from vigie.supervision.driver import metrics_port, submission_request
from vigie.warehouse.ledger import OffsetRange

pytestmark = pytest.mark.unit
FEEDS = list(load_feeds())


@pytest.mark.parametrize("host", [LOOPBACK, "127.0.0.2"])
def test_a_driver_waits_for_its_port(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_metrics, "_PAUSE", 0.1)
    port = choose_ports({}, only_free=True)["driver_metrics"]
    batch_metrics.batch_seconds.labels(host, "spark").observe(0.3)
    where = {"VIGIE_DRIVER_METRICS_HOST": host, "VIGIE_DRIVER_METRICS": str(port)}
    with environment(**where):
        with socket.create_server((host, port)):
            batch_metrics.show_metrics()
            time.sleep(0.3)
        for _ in range(100):
            try:
                text = httpx.get(f"http://{host}:{port}/metrics", timeout=5).text
                break
            except httpx.HTTPError:
                time.sleep(0.1)
    shown = f'vigie_batch_seconds_bucket{{feed="{host}",le="0.5",phase="spark"}} 1.0'
    assert shown in text


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_a_batch_is_timed_by_phase_and_its_late_readings_counted(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = judged(feed, 200)
    late = pa.array([n % 50 == 0 for n in range(200)])
    table = table.set_column(table.column_names.index("is_late"), "is_late", late)
    ranges = [OffsetRange("T", part, 0, 100) for part in (0, 1)]
    monkeypatch.setattr(assemble, "planned_ranges", lambda *_: ranges)
    stored: list[Batch] = []
    topic = SimpleNamespace(topic_id="T")
    store = SimpleNamespace(store=stored.append, patiently=lambda _: topic)
    probe = SimpleNamespace(observe=lambda _: None)
    where = {"scratch": tmp_path, "topic_id": "T", "ends": {}}
    batches = assemble.StoreBatches(feed, store, probe, **where)

    def value(name: str, **labels: str) -> float:
        return batch_metrics.registry.get_sample_value(name, {"feed": feed.name, **labels}) or 0

    before = value("vigie_batch_late_readings_total")
    batches(SimpleNamespace(toArrow=lambda: table), 0)
    assert len(stored) == 1
    assert batches.ends == {0: 100, 1: 100}
    assert value("vigie_batch_late_readings_total") - before == 4
    for phase in ("spark", "split", "warehouse"):
        assert value("vigie_batch_seconds_count", phase=phase) == 1


def test_each_driver_gets_a_port_of_its_own() -> None:
    with environment(VIGIE_DRIVER_METRICS_PORT="20000"):
        ports = [metrics_port(feed) for feed in FEEDS]
        told = [submission_request(feed, 1)["environmentVariables"] for feed in FEEDS]
    assert len(set(ports)) == len(FEEDS)
    assert [each["VIGIE_DRIVER_METRICS"] for each in told] == [str(port) for port in ports]


def test_without_a_port_no_driver_shows_metrics() -> None:
    with environment(VIGIE_DRIVER_METRICS_PORT="0"):
        told = submission_request(FEEDS[0], 1)["environmentVariables"]
    assert told["VIGIE_DRIVER_METRICS"] == "0"
