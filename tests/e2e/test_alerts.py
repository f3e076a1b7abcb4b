"""An alert's way from Kafka to whoever is notified, on the whole stack."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.local_stack import LocalStack, wait_for
from tests.readings import message, place
from vigie.contract.feed import Alert, Feed
from vigie.contract.loader import get_feed
from vigie.local import airflow_api

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


class Webhook:
    """A local HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        kept = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def webhook(local_stack: LocalStack) -> Iterator[Webhook]:
    """A server that Airflow knows as the connection `alerts_webhook` for the test's time."""
    with closing(Webhook()) as server, airflow_api.log_in(local_stack.stack) as client:
        known = {"connection_id": "alerts_webhook", "conn_type": "generic", "host": server.url}
        client.post("/connections", json=known).raise_for_status()
        yield server
        client.delete("/connections/alerts_webhook").raise_for_status()


def episode(feed: Feed, alert: Alert, sensor: str, start: datetime) -> list[bytes]:
    """Four readings a second apart, the middle ones flagged."""
    when, rows = alert.when, []
    assert when.above is not None
    for second, value in enumerate((0.9, 1.1, 1.2, 0.9)):
        row = message(feed, sensor=sensor, at=start + timedelta(seconds=second), step=second)
        place(row, feed.fields[when.field].path, when.above * value)
        rows.append(json.dumps(row).encode())
    return rows


def told(webhook: Webhook, alert: Alert) -> list[tuple[str, str]]:
    """Sensor and kind of each notification of a rule, but for those of other tests' sensors."""
    found = [json.loads(body) for body in webhook.bodies]
    mine = [m for m in found if m["rule"] == alert.name]
    return [(m["sensor"], m["kind"]) for m in mine if m["sensor"] in ("old", "live-1", "live-2")]


def test_a_live_episode_sends_two_notifications_and_history_none(
    local_stack: LocalStack, webhook: Webhook
) -> None:
    feed = get_feed("air_quality")
    alert = next(a for a in feed.alerts.values() if a.when.above)
    before = local_stack.messages_read(feed)
    now = datetime.now(UTC).replace(microsecond=0)

    local_stack.send_raw(feed, episode(feed, alert, "old", now - timedelta(days=9)), key="old")
    local_stack.settle(feed, before + 4)
    for number, sensor in enumerate(("live-1", "live-2"), start=1):
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
        local_stack.send_raw(feed, episode(feed, alert, sensor, start), key=sensor)
        wait_for(lambda n=number: len(told(webhook, alert)) >= 2 * n, f"notifications of {sensor}")

    live = [(s, kind) for s in ("live-1", "live-2") for kind in ("raised", "cleared")]
    assert told(webhook, alert) == live
    shown = local_stack.read("alerts", "list", "--feed", feed.name)
    assert {"old", "live-1", "live-2"} <= {episode["sensor"] for episode in shown}
