"""One look at streams: what the warehouse and the Spark master say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from vigie.errors import MasterAway
from vigie.supervision.master import DriverState, SparkMaster
from vigie.supervision.view import View, read_views


def observe(
    connection: Connection, master: SparkMaster, feed: str
) -> tuple[View, DriverState | None]:
    """The stream's rows, and its driver's state: None if there is no driver or no answer."""
    return observe_all(connection, master, [feed])[feed]


def observe_all(
    connection: Connection, master: SparkMaster, feeds: Sequence[str]
) -> dict[str, tuple[View, DriverState | None]]:
    """The same of many streams; a master that does not answer is asked no further question."""
    views = read_views(connection, feeds)
    drivers = _driver_states(master, views)
    ended = [feed for feed, driver in drivers.items() if driver.ended]
    # A driver writes its end before it exits: the rows read before the question may lack it.
    views |= read_views(connection, ended)
    return {feed: (views[feed], drivers.get(feed)) for feed in feeds}


def _driver_states(master: SparkMaster, views: Mapping[str, View]) -> dict[str, DriverState]:
    found: dict[str, DriverState] = {}
    try:
        for feed, view in views.items():
            launch = view.launch
            if launch is not None and launch.ended_at is None and launch.submission_id is not None:
                found[feed] = master.driver_state(launch.submission_id)
    except MasterAway:
        pass
    return found
