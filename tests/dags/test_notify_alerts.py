"""The notifiers of `notify_alerts`, against a real HTTP server and a real mail server."""

from __future__ import annotations

import asyncore
import json
import smtpd
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from vigie.orchestration import notify

pytestmark = [pytest.mark.dags, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ALERT = {
    "id": "1",
    "feed": "environment",
    "sensor": "{{ 7 * 7 }} <b>",
    "rule": "co2_high",
    "severity": "warning",
    "kind": "raised",
    "event_time": "2026-03-01T12:00:00.000Z",
    "value": 1600.0,
    "peak": 1600.0,
    "since": "2026-03-01T12:00:00.000Z",
}


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two messages wait, one of them twice."""

    def drain(topic: str, group: str, handle: Any) -> int:
        for number in ("1", "1", "2"):
            handle(json.dumps(ALERT | {"id": number}).encode())
        return 3

    monkeypatch.setattr("vigie.broker.drain.drain", drain)


class Posts(BaseHTTPRequestHandler):
    """Keeps what is posted, and answers with the server's status."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.found.append((self.headers["Authorization"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Posts)
    server.found, server.status = [], 204
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook"
    # pragma: allowlist nextline secret - nobody listens
    known = {"conn_type": "generic", "host": url, "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEBHOOK", json.dumps(known))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    found: list[bytes] = []

    class Mail(smtpd.SMTPServer):
        def process_message(self, peer: Any, sender: str, to: Any, data: bytes, **_: Any) -> None:
            found.append(data)

    server = Mail(("127.0.0.1", 0), None)
    thread = threading.Thread(target=asyncore.loop, kwargs={"timeout": 0.1}, daemon=True)
    thread.start()
    extra = {"from_email": "vigie@example.org", "to": "watch@example.org"}
    extra |= {"disable_ssl": True, "disable_tls": True}
    port = server.socket.getsockname()[1]
    known = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_EMAIL", json.dumps(known))
    yield found
    server.close()
    thread.join(5)


def test_nothing_is_configured_and_the_run_succeeds(waiting: None) -> None:
    assert notify.notify_waiting() == 3


def test_the_webhook_gets_each_message_once(waiting: None, web: Any) -> None:
    assert notify.notify_waiting() == 3

    assert web.found == [("Bearer secret", ALERT | {"id": number}) for number in ("1", "2")]


def test_a_webhook_that_refuses_fails_the_run(waiting: None, web: Any) -> None:
    web.status = 500

    with pytest.raises(httpx.HTTPStatusError):
        notify.notify_waiting()

    assert len(web.found) == 1


def test_an_e_mail_says_what_happened_and_a_sensor_is_only_text(
    waiting: None, mail: list[bytes]
) -> None:
    assert notify.notify_waiting() == 3

    assert len(mail) == 2
    found = message_from_bytes(mail[0])
    assert found["Subject"] == "warning: co2_high raised for {{ 7 * 7 }} <b>"
    assert found["To"] == "watch@example.org"
    body = found.get_payload(0).get_payload(decode=True).decode()
    assert "{{ 7 * 7 }} &lt;b&gt;" in body
    assert "1600.0" in body
