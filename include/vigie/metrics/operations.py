"""What the bounded jobs left behind: reconciliation, lake, refresh, restatement, compaction.

And the models, and the alerts that are open. A fixed number of queries, but for two of each model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, and_, func, select

from vigie.contract.loader import load_feeds
from vigie.metrics.models import model_samples
from vigie.metrics.sources import Sample, at
from vigie.warehouse import core

_COMPLETED, _FAILED = "completed", ("failed", "timed out")


class Operations:
    """Asks the warehouse what jobs did last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> Iterable[Sample]:
        """One pass over the tables of `ops`."""
        models = [feed.model.name for feed in load_feeds().values() if feed.model]
        with self._engine.connect() as connection:
            yield from _reconciliations(connection)
            yield from _lakes(connection)
            yield from _refreshes(connection)
            yield from _last_times(connection)
            yield from _alerts(connection)
            yield from model_samples(connection, models)


def _reconciliations(connection: Connection) -> Iterator[Sample]:
    for row in connection.execute(_newest(core.reconciliation, core.reconciliation.c.at)):
        faults = len((row.unaccounted or "").splitlines())
        told = {
            "gap_offsets": row.gap_offsets,
            "overlap_offsets": row.overlap_offsets,
            "faults": faults,
            "timestamp_seconds": row.at.timestamp(),
        }
        for name, value in told.items():
            yield Sample(f"vigie_reconciliation_{name}", (row.feed,), value)


def _lakes(connection: Connection) -> Iterator[Sample]:
    for row in connection.execute(select(core.lake)):
        yield Sample("vigie_lake_bytes", (row.feed,), row.bytes)
        yield Sample("vigie_lake_files", (row.feed,), row.files)
        archived = at(row.archived_at)
        if archived is not None:
            yield Sample("vigie_lake_archived_timestamp_seconds", (row.feed,), archived)


def _refreshes(connection: Connection) -> Iterator[Sample]:
    t = core.refresh.c
    ended = select(t.state).where(t.ended_at.is_not(None)).order_by(t.ended_at.desc()).limit(1)
    last = connection.scalar(ended)
    if last is not None:
        yield Sample("vigie_refresh_last_failed", (), float(last in _FAILED))
    completed = at(connection.scalar(select(func.max(t.ended_at)).where(t.state == _COMPLETED)))
    if completed is not None:
        yield Sample("vigie_refresh_completed_timestamp_seconds", (), completed)


def _last_times(connection: Connection) -> Iterator[Sample]:
    r, c = core.restatement.c, core.compaction.c
    for row in connection.execute(_newest(core.restatement, r.restated_at)):
        yield Sample(
            "vigie_restatement_timestamp_seconds", (row.feed,), row.restated_at.timestamp()
        )
        yield Sample("vigie_restatement_seconds", (row.feed,), row.seconds)
    launched = select(core.launch.c.feed, func.min(core.launch.c.created_at))
    for feed, moment in connection.execute(launched.group_by(core.launch.c.feed)):
        yield Sample("vigie_stream_first_launch_timestamp_seconds", (feed,), moment.timestamp())
    query = select(c.feed, func.max(c.compacted_at)).group_by(c.feed)
    for feed, moment in connection.execute(query):
        yield Sample("vigie_compaction_timestamp_seconds", (feed,), moment.timestamp())


def _alerts(connection: Connection) -> Iterator[Sample]:
    s, o = core.alert_state.c, core.alert_outbox.c
    raised = select(s.feed, func.count()).where(s.since.is_not(None)).group_by(s.feed)
    waiting = select(o.feed, func.count()).group_by(o.feed)
    for name, query in {"alerts_open": raised, "alert_messages_waiting": waiting}.items():
        found = {row[0]: row[1] for row in connection.execute(query)}
        for feed in load_feeds():
            yield Sample(f"vigie_{name}", (feed,), found.get(feed, 0))


def _newest(table: Table, moment: Column[Any]) -> Any:
    """The newest row of each feed."""
    last = select(table.c.feed, func.max(moment).label("at")).group_by(table.c.feed).subquery()
    return select(table).join(last, and_(last.c.feed == table.c.feed, last.c.at == moment))
