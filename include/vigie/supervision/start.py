"""Taking charge of a stream: start what should run, adopt what fits, restart what does not."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from vigie.contract.loader import get_feed
from vigie.errors import MigrationError
from vigie.supervision.desire import request_restart, start_if_new
from vigie.supervision.events import SUPERVISOR
from vigie.supervision.version import code_version
from vigie.supervision.view import read_view
from vigie.supervision.watch import Sight, Watcher
from vigie.warehouse.engines import get_engine
from vigie.warehouse.verify import require_tables


def start_or_adopt(
    feed: str, *, person: str, engine: Engine | None = None, watcher: Watcher | None = None
) -> Sight:
    """Start the stream if it should run and does not; adopt it if it does.

    A feed that was never started is set to running in the name of `person`. A launch made from
    another contract or other code is adopted with a recorded restart, which whoever watches
    honours: its driver finishes the batch in hand first. A contract that the warehouse's tables
    do not fit yet changes nothing: the driver runs on with the old one, and the sight says so.

    Raises:
        ContractError: The feed's contract is wrong.
        SQLAlchemyError: The warehouse does not answer.
    """
    engine = engine or get_engine()
    start_if_new(engine, feed, person=person)
    with engine.connect() as connection:
        view = read_view(connection, feed)
    contract, newest = get_feed(feed), view.launch
    made_from, wait = (contract.hash, code_version()), ""
    if (
        view.desired == "running"
        and newest is not None
        and newest.outcome != "blocked"
        and (newest.contract_hash, newest.code_version) != made_from
    ):
        try:
            require_tables(contract, engine)
        except MigrationError as error:
            wait = f"launch {newest.launch} runs on with the older contract. {error}"
        else:
            request_restart(engine, feed, newest.launch, person=SUPERVISOR)
    sight = (watcher or Watcher(feed, engine=engine)).poll()
    return replace(sight, done=(*sight.done, wait)) if wait else sight
