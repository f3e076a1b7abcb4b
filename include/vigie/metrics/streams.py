"""What every stream does, by the judgement that `vigie status` has, in a fixed number of queries.

The Spark master is not asked: a driver that ended without a word is seen by its silence, within
fifteen seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Engine

from vigie.contract.loader import feed_titles
from vigie.metrics.ledger import LedgerSums, Totals
from vigie.metrics.sources import Sample, at
from vigie.supervision.health import judge
from vigie.supervision.states import State
from vigie.supervision.status import ANY_TIME, LAG_KNOWN
from vigie.supervision.view import View, read_views
from vigie.supervision.watched import watched_at

_COUNTED = {
    "messages_read": "messages_read",
    "stored": "readings_stored",
    "copies": "copies",
    "conflicts": "conflicts",
    "quarantined": "quarantined",
}
# Column of the ledger → what its metric is called.


class Streams:
    """Asks the warehouse about the streams."""

    def __init__(self, engine: Engine, sums: LedgerSums) -> None:
        self._engine, self._sums = engine, sums

    def read(self) -> Iterable[Sample]:
        """One pass: five queries."""
        feeds = list(feed_titles())
        with self._engine.connect() as connection:
            views = read_views(connection, feeds)
            watched = watched_at(connection, feeds)
            totals = self._sums.read(connection)
        for feed, view in views.items():
            yield from _of_stream(feed, view)
        for feed, moment in watched.items():
            told = moment.timestamp()
            yield Sample("vigie_stream_watched_timestamp_seconds", (feed,), told)
        for feed, total in totals.items():
            yield from _of_ledger(feed, total)


def _of_stream(feed: str, view: View) -> Iterator[Sample]:
    health = judge(view, driver=None, since=ANY_TIME)
    for state in State:
        found = float(state is health.state)
        yield Sample("vigie_stream_state", (feed, str(state)), found)
    known: Mapping[str, float | None] = {
        "desired_running": float(view.desired == "running"),
        "open_gaps": view.open_gaps,
        "launches_total": view.launch.launch if view.launch else 0,
        "heartbeat_timestamp_seconds": at(view.beat.beat_at) if view.beat else None,
    }
    if view.beat is not None and health.state in LAG_KNOWN:
        known = {
            **known,
            "lag_messages": view.beat.lag_messages,
            "lag_seconds": view.beat.lag_seconds,
        }
    for name, value in known.items():
        if value is not None:
            yield Sample(f"vigie_stream_{name}", (feed,), float(value))


def _of_ledger(feed: str, total: Totals) -> Iterator[Sample]:
    for column, name in _COUNTED.items():
        yield Sample(f"vigie_stream_{name}_total", (feed,), total.counts[column])
    yield Sample("vigie_stream_batches_total", (feed,), total.batch_no)
    committed = at(total.committed_at)
    if committed is not None:
        yield Sample("vigie_stream_last_commit_timestamp_seconds", (feed,), committed)
