"""Waits until a stack has got over its faults by itself, and says what is still not right."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.airflow import Airflow
from tests.campaign.plan import COMPONENTS
from tests.local_stack import LocalStack
from vigie.contract.feed import Feed
from vigie.local.control import Control
from vigie.local.postgres import connect
from vigie.local.status import check_services
from vigie.supervision.states import State
from vigie.supervision.status import stream_states

ARCHIVE = "archive_feeds"
SETTLE = 900.0
"""Seconds; a pause after failed launches alone may be ten minutes."""
_BEATS = 6.0
_ARCHIVES = 3
_STUCK = 600.0


def settle(stack: LocalStack, feeds: dict[str, Feed]) -> list[str]:
    """Wait for every part to be healthy and every stream to be level; returns what is not."""
    deadline = time.monotonic() + SETTLE
    # A lag of a heartbeat ago knows nothing of the last message.
    time.sleep(_BEATS)
    while wrong := list(_not_right(stack, feeds)):
        if time.monotonic() > deadline:
            return [f"after {SETTLE:.0f} s: {one}" for one in wrong]
        time.sleep(2)
    return []


def archive(stack: LocalStack) -> None:
    """Have Airflow copy all that is in the topics into the lake.

    Raises:
        AssertionError: No run of the DAG succeeded.
    """
    airflow, states = Airflow(stack), []
    with airflow.unpaused(ARCHIVE):
        for _ in range(_ARCHIVES):
            airflow.do("dags", "trigger", ARCHIVE)
            states.append(airflow.finished(ARCHIVE, "manual")["state"])
            if states[-1] == "success":
                return
    raise AssertionError(f"runs of {ARCHIVE}: {', '.join(states)}")


def unaccounted(stack: LocalStack, feeds: dict[str, Feed]) -> list[str]:
    """What `vigie reconcile` finds."""
    accounts = stack.read("reconcile", *feeds)["feeds"]
    found = []
    for account in accounts:
        told = [*account["unaccounted"], *filter(None, [account["skipped"]])]
        told += [f"lag {account['lag_messages']}"] if account["lag_messages"] else []
        found += [f"{account['feed']}: reconcile: {one}" for one in told]
    return found


def stuck_in_airflow(stack: LocalStack) -> list[str]:
    """Runs that neither wait for something nor end, after they had their time."""
    stuck = _at_work(stack)
    deadline = time.monotonic() + _STUCK
    while stuck and time.monotonic() < deadline:
        time.sleep(5)
        stuck &= _at_work(stack)
    return [f"Airflow: run {run} of {dag} does not end" for dag, run in sorted(stuck)]


def failed_in_airflow(stack: LocalStack) -> list[str]:
    """Runs that failed, which a fault may do to them; for the report alone."""
    failed = "SELECT dag_id, count(*) FROM dag_run WHERE state = 'failed' GROUP BY 1 ORDER BY 1"
    with connect(stack.stack, "airflow") as connection:
        return [f"{dag} {count}" for dag, count in connection.execute(failed).fetchall()]


def _not_right(stack: LocalStack, feeds: dict[str, Feed]) -> Iterator[str]:
    programs = Control(stack.stack).states()
    for name in COMPONENTS:
        # A child that outlived its parent may answer in its place.
        if name not in programs or programs[name].state != "RUNNING":
            yield f"{name} is {programs[name].state if name in programs else 'not known'}"
    for part in check_services(stack.stack):
        if not part.healthy:
            yield f"{part.name} is not healthy"
    for stream in stream_states(feeds):
        if stream.state != State.RUNNING or stream.lag_messages != 0 or not stream.supervised:
            watched = "watched" if stream.supervised else "watched by nobody"
            told = (stream.state, stream.phase, f"lag {stream.lag_messages}", watched)
            yield f"stream {stream.feed}: {', '.join(told)}; {stream.error}"


def _at_work(stack: LocalStack) -> set[tuple[str, str]]:
    """DAG and run of those that have not ended, but those that wait for something by a trigger."""
    query = (
        "SELECT dag_id, run_id FROM dag_run r WHERE state IN ('queued', 'running') AND NOT EXISTS "
        "(SELECT 1 FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id "
        "AND t.state = 'deferred')"
    )
    with connect(stack.stack, "airflow") as connection:
        return set(connection.execute(query).fetchall())
