"""What the buttons of the Streams page do: what `vigie stream start`, `stop` and `restart` do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vigie.contract.loader import feed_titles, get_feed
from vigie.errors import VigieError
from vigie.supervision.desire import newest_launch, request_restart, set_desired
from vigie.warehouse.engines import get_engine

Action = Literal["start", "stop", "restart"]


class ActionRefused(VigieError):
    """What was asked for does not fit what the stream is now."""


@dataclass(frozen=True)
class Done:
    """Whether it changed anything, and what happens now, in words."""

    changed: bool
    told: str


def act(feed: str, action: Action, *, launch: int | None, person: str) -> Done:
    """Do it in a person's name; the stream's watch in Airflow honours it within seconds.

    Args:
        feed: Whose stream.
        action: What is asked for.
        launch: For a restart, the launch that the person saw.
        person: Kept with what was done.

    Raises:
        ContractError: There is no such feed.
        ActionRefused: A restart of a launch that is no longer the newest.
    """
    # A stream whose contract has a fault can be stopped all the same.
    title = feed_titles().get(feed) or get_feed(feed).title
    if action == "restart":
        return _restart(feed, title, launch, person)
    changed = set_desired(
        get_engine(), feed, "running" if action == "start" else "stopped", person=person
    )
    if not changed:
        return Done(False, f"{title} was already set to {_WANTED[action]}.")
    return Done(True, f"{title} is now set to {_WANTED[action]}, as {person} asked.")


_WANTED = {"start": "running", "stop": "stopped"}


def _restart(feed: str, title: str, launch: int | None, person: str) -> Done:
    newest = newest_launch(get_engine(), feed)
    if newest is None:
        raise ActionRefused(f"{title} was never launched; start it instead.")
    if newest != launch:
        message = (
            f"launch {launch} of {title} is over; the newest is {newest}. "
            "Look at it, and restart that one if it still needs it."
        )
        raise ActionRefused(message)
    if request_restart(get_engine(), feed, newest, person=person):
        return Done(True, f"A restart of launch {newest} of {title} is asked for by {person}.")
    return Done(False, f"A restart of launch {newest} of {title} was asked for already.")
