"""Taking charge of a stream: start what should run, adopt what fits, restart what does not."""

from __future__ import annotations

from sqlalchemy import Engine

from vigie.contract.loader import get_feed
from vigie.supervision.desire import request_restart, start_if_new
from vigie.supervision.events import SUPERVISOR
from vigie.supervision.version import code_version
from vigie.supervision.view import read_view
from vigie.supervision.watch import Sight, Watcher
from vigie.warehouse.engines import get_engine


def start_or_adopt(
    feed: str, *, person: str, engine: Engine | None = None, watcher: Watcher | None = None
) -> Sight:
    """Start the stream if it should run and does not; adopt it if it does.

    A feed that was never started is set to running in the name of `person`. A launch made from
    another contract or other code is adopted with a recorded restart, which whoever watches
    honours: its driver finishes the batch in hand first.

    Raises:
        ContractError: The feed's contract is wrong.
        SQLAlchemyError: The warehouse does not answer.
    """
    engine = engine or get_engine()
    start_if_new(engine, feed, person=person)
    with engine.connect() as connection:
        view = read_view(connection, feed)
    made_from = (get_feed(feed).hash, code_version())
    newest = view.launch
    if (
        view.desired == "running"
        and newest is not None
        and newest.outcome != "blocked"
        and (newest.contract_hash, newest.code_version) != made_from
    ):
        request_restart(engine, feed, newest.launch, person=SUPERVISOR)
    return (watcher or Watcher(feed, engine=engine)).poll()
