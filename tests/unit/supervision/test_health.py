from __future__ import annotations

import pytest

from tests.unit.supervision.streams import LONG_AGO, ago, beat, launch, view
from vigie.supervision.health import judge
from vigie.supervision.master import DriverState
from vigie.supervision.states import State
from vigie.supervision.view import View

pytestmark = pytest.mark.unit

RUNNING = DriverState.RUNNING
UNCLAIMED = {"claimed": None, "committed": None}


def case(name, expected, seen, driver=RUNNING, since=LONG_AGO):
    return pytest.param(seen, driver, since, expected, id=name)


@pytest.mark.parametrize(
    ("seen", "driver", "since", "expected"),
    [
        case("never started", "stopped", view(desired=None), None),
        case("started, no launch yet", "starting", view(), None),
        case("stopped before a launch", "stopped", view(desired="stopped"), None),
        # alive
        case("running", "running", view(launch(), beat=beat())),
        case("running, master away", "running", view(launch(), beat=beat()), None),
        case(
            "running, master forgot it",
            "running",
            view(launch(), beat=beat()),
            DriverState.NOT_FOUND,
        ),
        case("starting phase", "starting", view(launch(), beat=beat("starting", lag=None))),
        case("claimed, no beat yet", "starting", view(launch(claimed=3, committed=None))),
        case("stops by itself", "stopping", view(launch(), beat=beat("stopping"))),
        case("waiting", "waiting", view(launch(), beat=beat("waiting for documents", lag=9))),
        case("broker silent", "waiting", view(launch(), beat=beat(lag=None))),
        case("driver met a gap", "blocked", view(launch(), beat=beat("blocked", lag=9))),
        # dead: heartbeat
        case("beat 15 s old", "running", view(launch(), beat=beat(age=15))),
        case("beat 16 s old", "dead", view(launch(), beat=beat(age=16))),
        case("claimed 16 s ago, no beat", "dead", view(launch(claimed=16, committed=None))),
        case(
            "old beat, warehouse just back",
            "running",
            view(launch(), beat=beat(age=40)),
            RUNNING,
            ago(15),
        ),
        case(
            "old beat, warehouse back 16 s ago",
            "dead",
            view(launch(), beat=beat(age=40)),
            RUNNING,
            ago(16),
        ),
        # dead: the master
        *(
            case(f"master says {state}", "dead", view(launch(), beat=beat()), state)
            for state in ("FINISHED", "KILLED", "FAILED", "ERROR")
        ),
        case(
            "ended while stopping",
            "dead",
            view(launch(), beat=beat(), requested_at=ago(5)),
            DriverState.FAILED,
        ),
        # starting
        case(
            "not yet submitted", "starting", view(launch(created=30, submitted=None, **UNCLAIMED))
        ),
        case(
            "never submitted", "dead", view(launch(created=31, submitted=None, **UNCLAIMED)), None
        ),
        case("unclaimed 90 s", "starting", view(launch(submitted=90, **UNCLAIMED))),
        case("unclaimed 91 s", "dead", view(launch(submitted=91, **UNCLAIMED))),
        case(
            "no capacity, for ever",
            "starting",
            view(launch(submitted=400, **UNCLAIMED)),
            DriverState.SUBMITTED,
        ),
        # stalled
        case("behind for 60 s", "running", view(launch(), beat=beat(lag=1, progress_age=60))),
        case("behind for 61 s", "stalled", view(launch(), beat=beat(lag=1, progress_age=61))),
        case(
            "first message after hours without any",
            "running",
            view(launch(), beat=beat(lag=1, behind=60, progress_age=9999)),
        ),
        case(
            "first message, and nothing happens",
            "stalled",
            view(launch(), beat=beat(lag=1, behind=61, progress_age=9999)),
        ),
        case(
            "never level under load, but advancing",
            "running",
            view(launch(), beat=beat(lag=9, behind=9999, progress_age=2)),
        ),
        case("idle, nothing to do", "running", view(launch(), beat=beat(lag=0, progress_age=999))),
        case(
            "idle, broker silent", "waiting", view(launch(), beat=beat(lag=None, progress_age=99))
        ),
        case(
            "waits without trying",
            "stalled",
            view(launch(), beat=beat("waiting for documents", lag=1, progress_age=61)),
        ),
        case(
            "behind, warehouse just back",
            "running",
            view(launch(), beat=beat(lag=1, progress_age=300)),
            RUNNING,
            ago(60),
        ),
        # stopping
        case("stop asked", "stopping", view(launch(), desired="stopped", beat=beat(lag=5))),
        case("restart asked", "stopping", view(launch(), beat=beat(), requested_at=ago(1))),
        case(
            "no stall while stopping",
            "stopping",
            view(launch(), requested_at=ago(1), beat=beat(lag=5, progress_age=99)),
        ),
        # ended
        case("stopped", "stopped", view(launch(ended=9, outcome="stopped"), desired="stopped")),
        case(
            "died, then stopped",
            "stopped",
            view(launch(ended=9, outcome="dead"), desired="stopped"),
        ),
        case("failed", "dead", view(launch(ended=9, outcome="failed"))),
        case("superseded", "dead", view(launch(ended=9, outcome="superseded"))),
        case("ended for a restart", "starting", view(launch(ended=1, outcome="stopped"))),
        case(
            "failed, restart asked",
            "starting",
            view(launch(ended=9, outcome="failed"), requested_at=ago(1)),
        ),
        case("blocked", "blocked", view(launch(ended=9, outcome="blocked"), open_gaps=1)),
        case("blocked without a gap", "blocked", view(launch(ended=9, outcome="blocked"))),
        case(
            "restart does not accept a gap",
            "blocked",
            view(launch(ended=9, outcome="blocked"), open_gaps=1, requested_at=ago(1)),
        ),
        case(
            "only one of two gaps accepted",
            "blocked",
            view(launch(ended=9, outcome="blocked"), open_gaps=1, gap_accepted_at=ago(1)),
        ),
        case(
            "gaps accepted",
            "starting",
            view(launch(ended=9, outcome="blocked"), gap_accepted_at=ago(1)),
        ),
        case(
            "an older gap was accepted",
            "blocked",
            view(launch(created=300, ended=9, outcome="blocked"), gap_accepted_at=ago(301)),
        ),
        case(
            "blocked without a gap, restart asked",
            "starting",
            view(launch(ended=9, outcome="blocked"), requested_at=ago(1)),
        ),
    ],
)
def test_state(seen: View, driver: DriverState | None, since, expected: str) -> None:
    driver = None if driver is None else DriverState(driver)
    assert judge(seen, driver=driver, since=since).state is State(expected)


@pytest.mark.parametrize(
    ("asked", "since", "overdue"),
    [(60, LONG_AGO, False), (61, LONG_AGO, True), (300, ago(60), False)],
)
def test_a_stop_is_overdue_after_a_minute_of_answering_warehouse(asked, since, overdue) -> None:
    restart = view(launch(), beat=beat(), requested_at=ago(asked))
    stop = view(launch(), beat=beat(), desired="stopped", changed_at=ago(asked))
    for seen in (restart, stop):
        assert judge(seen, driver=RUNNING, since=since).overdue is overdue


@pytest.mark.parametrize(("level", "state"), [(60, "running"), (61, "stalled")])
def test_the_time_without_a_broker_is_no_stall(level, state) -> None:
    """The broker is back: the lag is old, but a minute ago nobody could have advanced."""
    seen = view(launch(), beat=beat(lag=5, behind=600, progress_age=600))
    health = judge(seen, driver=RUNNING, since=LONG_AGO, level_at=ago(level))
    assert health.state is State(state)


def test_a_stop_older_than_the_launch_counts_from_the_launch() -> None:
    seen = view(launch(created=20), beat=beat(), desired="stopped", changed_at=ago(500))
    assert judge(seen, driver=RUNNING, since=LONG_AGO).overdue is False


def test_no_capacity_is_reported_after_20_seconds() -> None:
    phases = [
        judge(
            view(launch(submitted=age, **UNCLAIMED)), driver=DriverState.SUBMITTED, since=LONG_AGO
        ).phase
        for age in (20, 21)
    ]
    assert phases == ["starting", "no capacity: no Spark worker has room for the driver"]
