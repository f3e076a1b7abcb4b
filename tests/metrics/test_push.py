"""Runs of bounded DAGs, pushed to a real Pushgateway; and what Prometheus starts with."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.services import environment
from vigie.local import prometheus
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.local.stack import prepare_stack
from vigie.orchestration import push_result
from vigie.settings import HOME

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    program = prometheus.installed().get(prometheus.PUSHGATEWAY)
    if program is None:
        pytest.skip("no Pushgateway: run `make prometheus`")
    address = f"{LOOPBACK}:{choose_ports({}, only_free=True)['pushgateway']}"
    command = [program, f"--web.listen-address={address}"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://{address}/-/ready", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)


def pushed(gateway: str) -> dict[tuple[str, str], float]:
    text = httpx.get(f"{gateway}/metrics", timeout=10).text
    return {
        (sample.name, sample.labels["dag"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("job") == push_result.JOB
    }


def run_of(dag: str, seconds: float) -> SimpleNamespace:
    ended = datetime.now(UTC)
    began = ended - timedelta(seconds=seconds)
    return SimpleNamespace(dag_id=dag, run_id="scheduled", start_date=began, end_date=ended)


def wait_for_push(gateway: str, dag: str, succeeded: float) -> dict[tuple[str, str], float]:
    for _ in range(100):
        found = pushed(gateway)
        if found.get(("vigie_dag_run_succeeded", dag)) == succeeded:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing pushed of {dag}: {pushed(gateway)}")


def test_the_last_run_of_a_bounded_dag_is_at_the_gateway(gateway: str) -> None:
    with environment(VIGIE_PUSHGATEWAY=gateway):
        push_result.on_dag_run_failed(run_of("compact_facts", 12), "")
        wait_for_push(gateway, "compact_facts", 0)
        push_result.on_dag_run_success(run_of("compact_facts", 30), "")
        found = wait_for_push(gateway, "compact_facts", 1)
        push_result.on_dag_run_success(run_of("stream_fleet", 30), "")
        push_result.push(gateway, "last", 1.0, True, 12)
    assert found["vigie_dag_run_seconds", "compact_facts"] == pytest.approx(30)
    assert found["vigie_dag_run_timestamp_seconds", "compact_facts"] > time.time() - 600
    assert found.get(("vigie_dag_run_rows", "compact_facts")) is None
    assert pushed(gateway)["vigie_dag_run_rows", "last"] == 12
    assert {dag for _, dag in pushed(gateway)} == {"compact_facts", "last"}


def test_only_whole_numbers_are_rows() -> None:
    assert push_result.rows_of([3, None, {"rows": 7}, True, 2.5, 4]) == 7
    assert push_result.rows_of(["3", True]) is None


def test_a_gateway_that_is_away_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    push_result.push("http://127.0.0.1:1", "compact_facts", 1.0, True, None)
    assert "Pushgateway at http://127.0.0.1:1" in caplog.text


def test_prometheus_takes_the_configuration_of_a_stack(promtool: str, tmp_path: Path) -> None:
    with environment(VIGIE_STATE=str(tmp_path), VIGIE_PORTS="free"):
        stack = prepare_stack()
        prometheus.initialise(stack)
        file = stack.state / "prometheus" / "prometheus.json"
        jobs = {job["job_name"] for job in json.loads(file.read_text())["scrape_configs"]}
        assert jobs >= {"vigie", "ingest", "spark-master", "spark-worker", "spark-driver", "load"}
        for program in prometheus.programs(stack):
            assert any(LOOPBACK in word for word in program.command)
    for config in (file, HOME / "docker/prometheus.yaml"):
        told = config.read_text().replace("/etc/prometheus/rules", str(HOME / "prometheus/rules"))
        # What Debian's version does not know yet; Prometheus 3 wants it of Spark.
        known = told.replace("    fallback_scrape_protocol: PrometheusText0.0.4\n", "")
        copy = tmp_path / config.name
        copy.write_text(known)
        done = subprocess.run([promtool, "check", "config", copy], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
