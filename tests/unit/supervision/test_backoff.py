from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.supervision.streams import ago, launch, view
from vigie.supervision.backoff import due_at, failures, pause, waits_since

pytestmark = pytest.mark.unit


def failed(number: int, *, ended: float = 0, outcome: str = "failed"):
    return launch(number, claimed=ended + 10, committed=None, ended=ended, outcome=outcome)


def test_the_pause_grows_to_ten_minutes_and_stays_there() -> None:
    seconds = [pause(count).total_seconds() for count in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 500)]
    assert seconds == [0, 0, 5, 10, 20, 40, 80, 160, 320, 600, 600]


@pytest.mark.parametrize(
    ("newest_first", "count"),
    [
        ([], 0),
        ([failed(1)], 1),
        ([failed(3), failed(2), failed(1)], 3),
        ([failed(2), launch(1, ended=20, outcome="dead")], 1),
        ([launch(2, ended=0, outcome="failed"), failed(1)], 0),
        ([failed(2, outcome="stopped"), failed(1)], 0),
        ([failed(2, outcome="blocked"), failed(1)], 0),
        ([launch(2), failed(1)], 0),
    ],
    ids=[
        "none",
        "one",
        "three in a row",
        "since the last commit",
        "committed, then failed",
        "ended by request",
        "met a gap",
        "the newest lives",
    ],
)
def test_failures_in_a_row(newest_first, count) -> None:
    assert failures(newest_first) == count


@pytest.mark.parametrize(("claimed", "count"), [(59, 1), (60, 0), (None, 1)])
def test_a_launch_stable_for_a_minute_is_no_failure(claimed, count) -> None:
    ended = launch(claimed=claimed, committed=None, ended=0, outcome="dead")
    assert failures([ended]) == count


def test_due_counts_from_the_end_and_a_restart_is_due_at_once() -> None:
    recent = (failed(3, ended=2), failed(2, ended=30), failed(1, ended=60))
    assert due_at(view(*recent)) == ago(2) + timedelta(seconds=10)
    assert due_at(view(*recent, requested_at=ago(1))) == ago(2)
    assert due_at(view(launch(ended=2, outcome="dead"))) == ago(2)


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        (view(changed_at=ago(7)), 7),
        (view(launch(ended=5, outcome="dead")), 5),
        (view(failed(2, ended=30), failed(1, ended=60)), 25),
        (view(launch(ended=5, outcome="stopped"), changed_at=ago(3)), 3),
        (view(failed(2, ended=30), failed(1, ended=60), requested_at=ago(28)), 28),
        (view(launch(ended=60, outcome="blocked"), gap_accepted_at=ago(4)), 4),
    ],
    ids=["never launched", "died", "after its pause", "started again", "restarted", "gap accepted"],
)
def test_a_wait_begins_when_the_launch_is_due_or_was_asked_for(seen, since) -> None:
    assert waits_since(seen) == ago(since)
