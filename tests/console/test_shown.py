"""What the Streams page is told of a stream, for every feed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from vigie.contract.loader import feed_titles, load_feeds
from vigie.orchestration.console.look import Sight
from vigie.orchestration.console.shown import actions, needs_somebody, show
from vigie.supervision.desire import Gap
from vigie.supervision.failure import Failure
from vigie.supervision.states import State
from vigie.supervision.status import StreamState, unknown_stream

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FEEDS = list(load_feeds())


def stream(feed: str = FEEDS[0], **values: Any) -> StreamState:
    running = {"desired": "running", "state": State.RUNNING, "supervised": True, "launch": 3}
    return replace(unknown_stream(feed), **({"phase": "running"} | running | values))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (stream(), ["stop", "restart"]),
        (stream(state=State.DEAD), ["stop", "restart"]),
        (stream(state=State.STARTING, launch=None), ["stop"]),
        (stream(desired="stopped", state=State.STOPPED), ["start"]),
        (stream(desired=None, state=State.STOPPED, launch=None), ["start"]),
        (unknown_stream(FEEDS[0]), []),
    ],
)
def test_a_state_allows_what_makes_sense_in_it(seen: StreamState, expected: list[str]) -> None:
    assert actions(seen) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, False),
        ({"state": State.STARTING}, False),
        ({"state": State.STARTING, "phase": "no capacity: no worker has room"}, True),
        ({"state": State.STOPPED, "desired": "stopped", "supervised": False}, False),
        ({"supervised": False}, True),
        ({"contract_differs": True}, True),
        ({"contract_fault": "fields: nothing"}, True),
        *(({"state": s}, True) for s in (State.DEAD, State.STALLED, State.BLOCKED, State.WAITING)),
    ],
)
def test_what_a_person_should_look_at(values: dict[str, Any], expected: bool) -> None:
    assert needs_somebody(stream(**values)) is expected


@pytest.mark.parametrize("feed", FEEDS)
def test_everything_told_is_json_and_names_the_next_step(feed: str) -> None:
    gap = Gap("topic", 2, 10, 20, "expired", NOW)
    seen = stream(
        feed,
        state=State.BLOCKED,
        error=Failure(3, "StreamBlocked", "offsets are gone", "last line"),
        gaps=[gap],
        last_commit=NOW,
    )
    sight = Sight(NOW, feed_titles(), [seen])
    told = json.loads(json.dumps(show(sight, person="me", readable={feed}, editable={feed})))
    (shown,) = told["streams"]
    assert shown["title"] == load_feeds()[feed].title
    assert shown["dag"] == f"stream_{feed}"
    assert f"vigie stream resume {feed}" in shown["advice"]
    assert shown["gaps"] == ["partition 2, offsets 10 to 19: expired"]
    assert shown["error"] == {
        "launch": 3,
        "class": "StreamBlocked",
        "message": "offsets are gone",
        "tail": "last line",
    }
    assert shown["last_commit"] == "2026-01-01T12:00:00.000+00:00"
    assert shown["kept"]


def test_only_what_a_person_may_read_is_told_and_only_what_they_may_edit_is_offered() -> None:
    sight = Sight(NOW, feed_titles(), [stream(feed) for feed in FEEDS])
    told = show(sight, person="me", readable=set(FEEDS[:2]), editable={FEEDS[1]})
    offered = {shown["feed"]: shown["actions"] for shown in told["streams"]}
    assert offered == {FEEDS[0]: [], FEEDS[1]: ["stop", "restart"]}
