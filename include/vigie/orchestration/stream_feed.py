"""The operator that keeps a feed's stream running: start or adopt, then defer to the watch."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context

from vigie.orchestration.stream_links import SparkApplication, StreamsPage
from vigie.orchestration.watch_stream import WatchStream

LEASE = timedelta(hours=6)
STARTED_BY = "airflow"


def dag_of(feed: str) -> str:
    """The DAG that keeps a feed's stream running."""
    return f"stream_{feed}"


class StreamFeed(BaseOperator):
    """Starts or adopts the stream of `feed`, then watches it deferred until `lease` ends.

    It succeeds at the end of the lease and does not fail when a start does: a failing task of a
    continuous DAG is a hot loop, so the watch goes on trying instead.
    """

    operator_extra_links = (StreamsPage(), SparkApplication())

    def __init__(self, *, feed: str, lease: timedelta = LEASE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.lease = lease

    def execute(self, context: Context) -> None:
        """Start or adopt, then defer."""
        from vigie.supervision.start import start_or_adopt

        try:
            sight = start_or_adopt(self.feed, person=STARTED_BY)
        except Exception:
            self.log.exception("stream %s could not be started; the watch tries on", self.feed)
        else:
            self.log.info("stream %s, %s", self.feed, sight)
        until = time.time() + self.lease.total_seconds()
        watch = WatchStream(feed=self.feed, until=until)
        self.defer(trigger=watch, method_name=self.lease_ended.__name__)

    def lease_ended(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Succeed; the next run adopts the stream."""
        self.log.info("lease of stream %s ended at launch %s", self.feed, event.get("launch"))
        return event
