"""The reconciliation that runs on schedule: quick by the hour, full once a day."""

from __future__ import annotations

from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import Unaccounted
from vigie.reconciliation.account import Reconciliation
from vigie.reconciliation.reconcile import reconcile
from vigie.reconciliation.record import full_is_due
from vigie.warehouse.engines import get_engine


def reconcile_on_schedule(feed: Feed, engine: Engine | None = None) -> Reconciliation:
    """Reconcile a feed, in full if the last full run is a day old.

    Raises:
        Unaccounted: Offsets or rows do not add up; the message has a line per fault.
    """
    engine = engine or get_engine()
    with engine.connect() as connection:
        full = full_is_due(connection, feed.name)
    account = reconcile(feed, engine, full=full)
    if account.unaccounted:
        faults = "\n".join(account.unaccounted)
        message = (
            f"{feed.name}: {len(account.unaccounted)} fault(s), expected every offset to be "
            f"accounted for:\n{faults}\nSee `vigie reconcile {feed.name}`"
        )
        raise Unaccounted(message)
    return account
