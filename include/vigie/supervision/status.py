"""What every stream is doing, for `vigie status` and the Streams page; only reads."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from vigie.contract.loader import contract_fault, get_feed
from vigie.errors import first_line
from vigie.supervision.desire import Gap, open_gaps_of
from vigie.supervision.failure import Failure, last_failures
from vigie.supervision.health import judge
from vigie.supervision.master import DriverState, SparkMaster
from vigie.supervision.observe import observe_all
from vigie.supervision.rows import newest_of
from vigie.supervision.states import State
from vigie.supervision.view import View
from vigie.supervision.watched import FRESH, watched_at
from vigie.warehouse.core import ledger
from vigie.warehouse.engines import get_engine

ANY_TIME = datetime.min.replace(tzinfo=UTC)
"""Since when silence counts for who has not watched: always."""
LAG_KNOWN = (State.RUNNING, State.WAITING, State.STALLED, State.STOPPING, State.STARTING)
"""The states in which a driver says how far behind it is."""
_AWAY = "the warehouse does not answer"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamState:
    """One stream; lag in messages and seconds, None where nobody can know it.

    `changed_by` is who last set `desired`, at `changed_at`; `watched_at` is when somebody last
    watched it. `contract_differs` says that its driver was started from another contract than the
    file holds now; `contract_fault` why that file cannot be used; `model` which version of the
    feed's model predicts, and what is wrong with it.
    """

    feed: str
    desired: str | None
    changed_by: str | None
    changed_at: datetime | None
    state: State
    supervised: bool
    watched_at: datetime | None
    lag_messages: int | None
    lag_seconds: float | None
    last_commit: datetime | None
    launch: int | None
    restarts: int
    phase: str
    model: str | None
    contract_differs: bool
    contract_fault: str | None
    error: Failure | None
    gaps: list[Gap]

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON; the error as class, message and tail."""
        error = None
        if self.error is not None:
            failed = self.error
            error = {"class": failed.error_class, "message": failed.message, "tail": failed.tail}
        return asdict(self) | {"state": str(self.state), "error": error}


def stream_states(
    feeds: Iterable[str], *, engine: Engine | None = None, master: SparkMaster | None = None
) -> list[StreamState]:
    """The state of each stream; `unknown` for all, and why, while the warehouse does not answer.

    It takes as many statements for many streams as for one.
    """
    feeds, engine, master = list(feeds), engine or get_engine(), master or SparkMaster()
    try:
        with engine.connect() as connection:
            return read_states(connection, master, feeds)
    except SQLAlchemyError as error:
        reason = f"{_AWAY}: {first_line(error)}"
        log.warning("%s", reason)
        return [unknown_stream(feed, reason) for feed in feeds]


def read_states(connection: Connection, master: SparkMaster, feeds: list[str]) -> list[StreamState]:
    """The state of each stream, as `stream_states`.

    Raises:
        SQLAlchemyError: The warehouse does not answer.
    """
    observed = observe_all(connection, master, feeds)
    watched = watched_at(connection, feeds)
    commits = _last_commits(connection, feeds)
    failures = last_failures(connection, feeds)
    gaps = open_gaps_of(connection, feeds)
    return [
        _state(
            feed,
            *observed[feed],
            watched=watched.get(feed),
            last_commit=commits.get(feed),
            error=failures.get(feed),
            gaps=gaps[feed],
        )
        for feed in feeds
    ]


def _state(
    feed: str,
    view: View,
    driver: DriverState | None,
    *,
    watched: datetime | None,
    last_commit: datetime | None,
    error: Failure | None,
    gaps: list[Gap],
) -> StreamState:
    health = judge(view, driver=driver, since=ANY_TIME)
    beat = view.beat if health.state in LAG_KNOWN else None
    newest = view.launch.launch if view.launch else None
    fault = contract_fault(feed)
    return StreamState(
        feed=feed,
        desired=view.desired,
        changed_by=view.changed_by,
        changed_at=view.changed_at.astimezone(UTC) if view.changed_at else None,
        state=health.state,
        supervised=watched is not None and view.now - watched <= FRESH,
        watched_at=watched,
        lag_messages=beat.lag_messages if beat else None,
        lag_seconds=beat.lag_seconds if beat else None,
        last_commit=last_commit,
        launch=newest,
        restarts=max((newest or 0) - 1, 0),
        phase=health.phase,
        model=beat.model if beat else None,
        contract_differs=fault is None and _contract_differs(view, feed),
        contract_fault=fault,
        error=error,
        gaps=gaps,
    )


def _contract_differs(view: View, feed: str) -> bool:
    launch = view.launch
    if launch is None or launch.ended_at is not None:
        return False
    return launch.contract_hash != get_feed(feed).hash


def _last_commits(connection: Connection, feeds: list[str]) -> dict[str, datetime]:
    newest = newest_of(feeds, ledger.c.batch_no)
    in_batch = (ledger.c.feed == newest.c.feed) & (ledger.c.batch_no == newest.c.newest)
    last = select(ledger.c.feed, func.max(ledger.c.committed_at)).join_from(
        newest, ledger, in_batch
    )
    rows = connection.execute(last.group_by(ledger.c.feed))
    return {feed: moment.astimezone(UTC) for feed, moment in rows}


def unknown_stream(feed: str, reason: str = _AWAY) -> StreamState:
    """A stream of which nothing can be known, since the warehouse does not answer."""
    return StreamState(
        feed=feed,
        desired=None,
        changed_by=None,
        changed_at=None,
        state=State.UNKNOWN,
        supervised=False,
        watched_at=None,
        lag_messages=None,
        lag_seconds=None,
        last_commit=None,
        launch=None,
        restarts=0,
        phase=reason,
        model=None,
        contract_differs=False,
        contract_fault=contract_fault(feed),
        error=None,
        gaps=[],
    )
