"""What dashboards and rules ask for is exposed by the running stack, and Prometheus answers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.airflow import RUN, Airflow
from tests.local_stack import LocalStack, at_stack, wait_for
from tests.metrics.expressions import AIRFLOW, FAILED, PROMETHEUS_OWN, PUSHED, expressions, names
from tests.readings import message
from vigie.contract.loader import get_feed
from vigie.local import prometheus
from vigie.metrics.catalogue import FAMILIES
from vigie.supervision.driver import metrics_port, ui_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

FEEDS = ("air_quality", "gas_turbine")
# What jobs leave behind that a young stack has not run; tests/metrics shows each of them exposed.
LATER = ("lake_bytes", "lake_files", "lake_archived", "model_", "refresh_", "restatement_")
LATER += ("compaction_", "quarantine_messages")
NOT_YET = PUSHED | FAILED | {"ALERTS"}


def comes_later(name: str) -> bool:
    return name in FAMILIES and name.removeprefix("vigie_").startswith(LATER)


def scraped(address: str) -> dict[tuple[str, ...], float]:
    reply = httpx.get(f"http://{address}", timeout=30, follow_redirects=True).raise_for_status()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def readings_sent(shared_stack: LocalStack) -> None:
    """Readings that came by Kafka and by HTTP, and are stored."""
    stack = shared_stack.stack
    bearer = {"Authorization": f"Bearer {stack.secrets['ingest_key']}"}
    with at_stack(stack.state):
        for name in FEEDS:
            feed = get_feed(name)
            before = shared_stack.account(feed)["read"]
            shared_stack.send(feed, 50, sensor="metered")
            shared_stack.send_raw(feed, [b"not JSON"], key="metered")
            url = f"http://{stack.address('ingest')}/v1/readings/{name}"
            reading = message(feed, sensor="metered", at=datetime.now(UTC), step=1)
            reply = httpx.post(url, json=[reading], headers=bearer, timeout=30)
            assert reply.status_code == 202, reply.text
            shared_stack.settle(feed, before + 52)


@pytest.fixture
def busy(readings_sent: None, local_stack: LocalStack) -> LocalStack:
    """The stack, after readings came."""
    return local_stack


def all_metrics(stack: LocalStack) -> dict[tuple[str, ...], float]:
    pages = [stack.stack.address(part) + "/metrics" for part in ("exporter", "ingest")]
    pages += [f"127.0.0.1:{ui_port(feed)}/metrics/prometheus/" for feed in FEEDS]
    pages += [f"127.0.0.1:{metrics_port(feed)}/metrics" for feed in FEEDS]
    if prometheus.STATSD_EXPORTER in prometheus.installed():
        pages.append(stack.stack.address(prometheus.STATSD_EXPORTER) + "/metrics")
    return {key: value for page in pages for key, value in scraped(page).items()}


def test_every_metric_of_a_dashboard_or_rule_is_exposed(busy: LocalStack) -> None:
    asked = {name for expression in expressions() for name in names(expression)}
    known = (asked | set(FAMILIES)) - PROMETHEUS_OWN - NOT_YET
    if prometheus.STATSD_EXPORTER not in prometheus.installed():
        known -= AIRFLOW
    wanted = {name for name in known if not comes_later(name)}

    def missing() -> set[str]:
        return wanted - {key[0] for key in all_metrics(busy)}

    # What jobs left behind is asked for each half minute.
    wait_for(lambda: not missing(), "every metric to be exposed", 120, pause=5)
    batches = [key for key in all_metrics(busy) if key[0] == "vigie_batch_seconds_count"]
    assert {key[1:] for key in batches} == {
        (feed, phase) for feed in FEEDS for phase in ("spark", "split", "warehouse")
    }


def test_the_exporters_figures_are_those_of_the_commands(busy: LocalStack) -> None:
    found = scraped(busy.stack.address("exporter") + "/metrics")
    for name in FEEDS:
        account = busy.account(get_feed(name))
        assert found["vigie_stream_messages_read_total", name] == account["read"]
        assert found["vigie_stream_readings_stored_total", name] == account["stored"]
        assert found["vigie_stream_quarantined_total", name] == account["quarantined"]
        assert found["vigie_stream_state", name, "running"] == 1
        lags = [v for key, v in found.items() if key[:2] == ("vigie_kafka_lag_messages", name)]
        assert sum(lags) == account["lag"] == 0


def ask(stack: LocalStack, path: str, **parameters: str) -> Any:
    url = f"http://{stack.stack.address('prometheus')}/api/v1/{path}"
    reply = httpx.get(url, params=parameters, timeout=30)
    assert reply.status_code == 200, f"{parameters}: {reply.text}"
    return reply.json()["data"]


@pytest.mark.skipif(not prometheus.installed(), reason="no Prometheus: run `make prometheus`")
def test_prometheus_has_scraped_the_stack_and_answers_every_query(busy: LocalStack) -> None:
    def down() -> list[str]:
        targets = ask(busy, "targets", state="active")["activeTargets"]
        # Feeds that were never started have no driver, and no load test runs.
        wanted = [
            target
            for target in targets
            if target["labels"].get("feed", FEEDS[0]) in FEEDS and target["labels"]["job"] != "load"
        ]
        return [f"{t['labels']}: {t['lastError']}" for t in wanted if t["health"] != "up"]

    wait_for(lambda: not down(), "every target to be scraped")
    not_yet = NOT_YET if prometheus.STATSD_EXPORTER in prometheus.installed() else NOT_YET | AIRFLOW
    for expression in expressions():
        ask(busy, "query", query=expression)
        alert = ">" in expression or "==" in expression or "<" in expression
        if alert or any(comes_later(n) or n in not_yet for n in names(expression)):
            continue
        # A rate is there after two scrapes.
        wait_for(
            lambda asked=expression: ask(busy, "query", query=asked)["result"],
            f"data of {expression}",
            pause=2,
        )
    groups = ask(busy, "rules")["groups"]
    assert {group["name"] for group in groups} == {"vigie-streams", "vigie-jobs", "vigie-platform"}
    wait_for(
        lambda: all(
            rule["health"] == "ok"
            for group in ask(busy, "rules")["groups"]
            for rule in group["rules"]
        ),
        "every rule to have been evaluated",
    )


@pytest.mark.skipif(
    prometheus.PUSHGATEWAY not in prometheus.installed(), reason="no Pushgateway there"
)
def test_a_run_leaves_its_rows_at_the_gateway(busy: LocalStack) -> None:
    airflow = Airflow(busy)
    airflow.do("dags", "trigger", "reconcile_feeds")
    assert airflow.finished("reconcile_feeds", "manual")["state"] == "success"
    read = sum(busy.account(get_feed(name))["read"] for name in FEEDS)

    def rows() -> float:
        found = scraped(busy.stack.address(prometheus.PUSHGATEWAY) + "/metrics")
        return max((v for k, v in found.items() if k[0] == "vigie_dag_run_rows"), default=0)

    wait_for(lambda: rows() >= read, "the rows of the run to be pushed", RUN)
