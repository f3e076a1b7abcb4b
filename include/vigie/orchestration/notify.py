"""Sends the waiting alert messages through the notifiers that are configured."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
import orjson
from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

log = logging.getLogger(__name__)

WEBHOOK = "alerts_webhook"
EMAIL = "alerts_email"
_GROUP = "notify_alerts"
_SUBJECT = "{{ alert.severity }}: {{ alert.rule }} {{ alert.kind }} for {{ alert.sensor }}"
_BODY = (
    "<p>{{ alert.feed | e }}, sensor {{ alert.sensor | e }}: {{ alert.rule | e }} "
    "({{ alert.severity }}) {{ alert.kind }} at {{ alert.event_time }}.</p>"
    "<p>Value {{ alert.value }}, peak {{ alert.peak }}, open since {{ alert.since }}.</p>"
)


class WebhookNotifier(BaseNotifier):
    """Posts the context's `alert` as JSON to the address of an Airflow connection.

    Its host is the whole URL; its password, if any, is sent as a bearer token.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._url = connection.host
        self._headers = {"Content-Type": "application/json"}
        if connection.password:
            self._headers["Authorization"] = f"Bearer {connection.password}"

    def notify(self, context: Any) -> None:
        """Post; an answer that is no success raises."""
        body = orjson.dumps(context["alert"])
        reply = httpx.post(self._url, content=body, headers=self._headers, timeout=30)
        reply.raise_for_status()


def notify_waiting() -> int:
    """Send every waiting message to each notifier and log it; returns how many there were.

    A message that could not be sent comes again with the next try, and so do those after it.
    """
    from vigie.broker.drain import drain
    from vigie.broker.topics import ALERTS

    senders = [sender for sender in (_webhook(), _email()) if sender is not None]
    if not senders:
        log.info("no connection %s or %s: messages are only logged", WEBHOOK, EMAIL)
    told: set[str] = set()

    def handle(message: bytes) -> None:
        alert = orjson.loads(message)
        log.info("%s", message.decode())
        # Messages are sent at least once; a second one within a run is left out.
        if alert["id"] not in told:
            for send in senders:
                send(alert)
        told.add(alert["id"])

    return drain(ALERTS, _GROUP, handle)


def _webhook() -> Callable[[dict[str, Any]], None] | None:
    connection = _connection(WEBHOOK)
    if connection is None:
        return None
    return lambda alert: WebhookNotifier(connection)({"alert": alert})


def _email() -> Callable[[dict[str, Any]], None] | None:
    connection = _connection(EMAIL)
    if connection is None:
        return None
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    to = connection.extra_dejson["to"]

    def send(alert: dict[str, Any]) -> None:
        notifier = SmtpNotifier(to=to, subject=_SUBJECT, html_content=_BODY, smtp_conn_id=EMAIL)
        notifier({"alert": alert})

    return send


def _connection(name: str) -> Any | None:
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None
