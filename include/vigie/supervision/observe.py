"""One look at a stream: what the warehouse and the Spark master say of it."""

from __future__ import annotations

from sqlalchemy import Connection

from vigie.errors import MasterAway
from vigie.supervision.master import DriverState, SparkMaster
from vigie.supervision.view import Launch, View, read_view


def observe(
    connection: Connection, master: SparkMaster, feed: str
) -> tuple[View, DriverState | None]:
    """The stream's rows, and its driver's state: None if there is no driver or no answer."""
    view = read_view(connection, feed)
    driver = _driver_state(master, view.launch)
    if driver is not None and driver.ended:
        # A driver writes its end before it exits: the rows read before the question may lack it.
        view = read_view(connection, feed)
    return view, driver


def _driver_state(master: SparkMaster, launch: Launch | None) -> DriverState | None:
    if launch is None or launch.ended_at is not None or launch.submission_id is None:
        return None
    try:
        return master.driver_state(launch.submission_id)
    except MasterAway:
        return None
