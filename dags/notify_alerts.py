"""Notifies of alerts that opened or cleared, when messages arrive on the topic `alerts`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.apache.kafka.triggers.shared_stream import KafkaSharedStreamTrigger
from airflow.sdk import Asset, AssetWatcher, dag, task

from vigie.orchestration.triage import triage

PAGE = triage(
    does="A message on the topic `alerts` wakes it; a run then sends all that wait there, each "
    "once to every notifier that is configured, and logs them. Nothing is sent until there is a "
    "connection `alerts_webhook` (host: the URL the JSON message is posted to; password: a bearer "
    'token, if one is needed) or `alerts_email` (type SMTP; extra: `{"from_email": "…", "to": '
    '"…"}`). Only live readings open and clear an alert: replayed history sends nothing.',
    red="A notifier refused a message or did not answer, or Kafka was away. That message and those "
    "behind it wait, for as long as the topic keeps them (7 days). Streams go on.",
    todo="Read the error in the task's log. Repair the connection it names (Admin → Connections), "
    "then clear the task: it sends what waits. `vigie alerts list` shows the alerts themselves.",
)

alerts = Asset(
    name="alerts",
    uri="kafka://vigie/alerts",
    watchers=[
        AssetWatcher(
            name="alerts",
            trigger=KafkaSharedStreamTrigger(topics=["alerts"], kafka_config_id="kafka_alerts"),
        )
    ],
)


@dag(
    dag_id="notify_alerts",
    schedule=[alerts],
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "vigie", "retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["alerts"],
    doc_md=PAGE,
)
def notify_alerts() -> None:
    @task
    def notify() -> int:
        from vigie.orchestration.notify import notify_waiting

        return notify_waiting()

    notify()


notify_alerts()
