from __future__ import annotations

import pytest

from tests.unit.supervision.streams import LONG_AGO, ago, beat, launch, view
from vigie.supervision.decide import Close, Relaunch, decide
from vigie.supervision.health import judge
from vigie.supervision.master import DriverState

pytestmark = pytest.mark.unit

GAP = {"ended": 9, "outcome": "blocked"}


def failing(ended: float):
    """Two failures in a row: the next launch is due 5 seconds after the end."""
    return [
        launch(n, claimed=ended + 5, committed=None, ended=ended, outcome="failed") for n in (2, 1)
    ]


@pytest.mark.parametrize(
    ("seen", "driver", "expected"),
    [
        (view(desired=None), None, None),
        (view(), None, Relaunch(0)),
        (view(desired="stopped"), None, None),
        (view(launch(), beat=beat()), "RUNNING", None),
        (view(launch(4), beat=beat(age=16)), "RUNNING", Close(4, "dead")),
        (view(launch(), beat=beat()), "FAILED", Close(1, "dead")),
        (view(launch(), beat=beat(), desired="stopped"), "FAILED", Close(1, "dead")),
        (view(launch(), beat=beat(lag=1, progress_age=61)), "RUNNING", Close(1, "stalled")),
        (view(launch(), beat=beat(), requested_at=ago(60)), "RUNNING", None),
        (view(launch(), beat=beat(), requested_at=ago(61)), "RUNNING", Close(1, "killed")),
        (
            view(launch(), beat=beat(), desired="stopped", changed_at=ago(61)),
            "RUNNING",
            Close(1, "killed"),
        ),
        (view(launch(7, ended=0, outcome="dead")), None, Relaunch(7)),
        (view(launch(7, ended=0, outcome="stopped")), None, Relaunch(7)),
        (view(launch(ended=0, outcome="dead"), desired="stopped"), None, None),
        (view(launch(ended=0, outcome="superseded"), desired="stopped"), None, None),
        (view(*failing(4)), None, None),
        (view(*failing(5)), None, Relaunch(2)),
        (view(*failing(1), requested_at=ago(0)), None, Relaunch(2)),
        (view(launch(**GAP), open_gaps=2), None, None),
        (view(launch(**GAP), open_gaps=1, requested_at=ago(1)), None, None),
        (view(launch(**GAP), gap_accepted_at=ago(1)), None, Relaunch(1)),
        (view(launch(**GAP), gap_accepted_at=ago(1), desired="stopped"), None, None),
    ],
)
def test_the_action_that_is_due(seen, driver, expected) -> None:
    state = DriverState(driver) if driver else None
    assert decide(seen, judge(seen, driver=state, since=LONG_AGO)) == expected
