"""One DAG per feed that keeps its stream running.

A run is a lease of some hours. Its task submits the feed's driver to Spark, or adopts the one that
runs, then watches its heartbeat and its progress and relaunches it, when it dies or hangs, from the
triggerer; the driver outlives task and run. `vigie stream stop FEED` ends it for good, pausing this
DAG only leaves it unwatched; the task's log and `vigie status` say why it is red.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from vigie.contract.loader import feed_titles
from vigie.orchestration.stream_feed import StreamFeed, dag_of
from vigie.orchestration.triage import stream_page

for name, title in feed_titles().items():
    with DAG(
        dag_id=dag_of(name),
        description=f"Keeps the stream of {title} running",
        schedule="@continuous",
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie"},
        tags=["stream", name],
        doc_md=stream_page(name, title),
    ):
        StreamFeed(task_id="stream", feed=name, priority_weight=1000, weight_rule="absolute")
