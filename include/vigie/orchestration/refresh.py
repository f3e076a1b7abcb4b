"""The page of `refresh_powerbi`, and its decision what to refresh."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)

from vigie.orchestration.refresh_service import CONNECTION
from vigie.orchestration.triage import triage

log = logging.getLogger(__name__)

TIMETABLE = "0 */4 * * *"
"""Six times a day: of the eight that shared capacity allows, two are left for restatements."""
GAP = timedelta(hours=2)
"""A refresh by the policy is left out if another was asked for so short a time before."""
BUDGET = 8
"""Refreshes in 24 hours that shared capacity allows, those of its own schedule included."""
OVERLAP = timedelta(minutes=1)
"""A restatement has the time of its begin and is seen at its end: the newest are read once more."""
REFRESH_PAGE = triage(
    does="Refreshes the Power BI dataset: every four hours, or ten minutes after a restatement or "
    "a compaction, whichever comes first; one run answers for all that asked meanwhile. By its "
    "policy the dataset reads the last days again; a second request names the partitions of "
    "older days that were restated (Premium only). It waits while another refresh runs, and "
    "leaves out what the day's budget has no room for. In a hurry while `settle` waits: mark that "
    "task as success. Skipped: there is no connection `powerbi`, "
    "or the last refresh is fresh enough. Clear or mark the task, and its refresh is cancelled.",
    red="The refresh did not complete: the log has its end (failed, cancelled, timed out, "
    "disabled) and what the service said of tables and partitions. The report shows what the "
    "last one read; streams and warehouse are not affected.",
    todo="Read the messages. `403` or `404`: the application lacks access to workspace or dataset. "
    "Credentials or gateway: repair them in the dataset's settings. Then clear the task, or wait "
    "for the next run, which takes along what is due. `ops.refresh` has each one's end.",
)


def plan_refreshes(run_type: str) -> dict[str, Any]:
    """What to ask for, by the names of the plan's XComs: `recent_…` by the policy, `older_…`.

    A body that is None is not asked for.

    Raises:
        AirflowSkipException: There is no connection, or the last refresh is fresh enough.
        AirflowFailException: The connection does not name workspace and dataset.
    """
    from vigie.contract.loader import load_feeds
    from vigie.refresh import plan, record
    from vigie.warehouse.engines import get_engine

    extra = _extra()
    enhanced, now = bool(extra.get("enhanced", False)), datetime.now(UTC)
    with get_engine().connect() as connection:
        due = record.due_days(connection)
        last = record.last_by_policy(connection)
        whole = record.partitions_failed(connection)
    for one in due:
        log.info("restated and not refreshed: %s %s", one.feed, one.day)
    wanted = plan.plan(due, load_feeds(), now.date(), enhanced=enhanced, whole_tables=whole)
    if run_type != "manual" and plan.is_fresh(last, due, now, GAP):
        wanted = [one for one in wanted if one.partitions]
    if not wanted:
        message = f"the last refresh was asked for at {last:%Y-%m-%d %H:%M} UTC: fresh enough"
        raise AirflowSkipException(message)
    found: dict[str, Any] = {
        "group_id": extra["group_id"],
        "dataset_id": extra["dataset_id"],
        "budget": int(extra.get("budget", BUDGET)),
    }
    for name in ("recent", "older"):
        ask = next((each for each in wanted if each.partitions == (name == "older")), None)
        found[f"{name}_body"] = dict(ask.body) if ask else None
        found[f"{name}_reach"] = ask.reach(now - OVERLAP) if ask else None
    return found


def _extra() -> dict[str, Any]:
    try:
        extra: dict[str, Any] = Connection.get(CONNECTION).extra_dejson
    except AirflowNotFoundException:
        message = f"there is no connection `{CONNECTION}`: nothing is refreshed"
        raise AirflowSkipException(message) from None
    missing = [name for name in ("group_id", "dataset_id") if not extra.get(name)]
    if missing:
        message = f"the connection `{CONNECTION}` lacks {' and '.join(missing)} in its extra"
        raise AirflowFailException(message)
    return extra
