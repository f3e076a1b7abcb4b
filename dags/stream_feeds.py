"""One DAG per feed that keeps its stream running.

A run is a lease of some hours. Its task submits the feed's driver to Spark, or adopts the one that
runs, then watches and relaunches it from the triggerer; the driver outlives task and run.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from vigie.contract.loader import load_feeds
from vigie.orchestration.stream_feed import StreamFeed
from vigie.orchestration.triage import stream_page

for feed in load_feeds().values():
    with DAG(
        dag_id=f"stream_{feed.name}",
        description=f"Keeps the stream of {feed.title} running",
        schedule="@continuous",
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie"},
        tags=["stream", feed.name],
        doc_md=stream_page(feed.name, feed.title),
    ):
        StreamFeed(task_id="stream", feed=feed.name, priority_weight=1000, weight_rule="absolute")
