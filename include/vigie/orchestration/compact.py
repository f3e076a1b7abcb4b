"""The page of `compact_facts`, and which months one of its runs takes."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from airflow.sdk.exceptions import AirflowSkipException

from vigie.contract.loader import get_feed
from vigie.orchestration.triage import triage

log = logging.getLogger(__name__)

PERSON = "{{ dag_run.triggering_user_name or 'airflow' }} ({{ dag_run.run_type.value }})"
COMPACT_PAGE = triage(
    does="Makes the places of the months to come, brings the roll-ups up to date, removes months "
    "older than the contract's `retention`, and compacts each closed month that changed since the "
    "last time: freeze and analyse, or rewrite where more than a tenth is dead. Loads go on; "
    "readers of a month that is rewritten wait for seconds. A backfill takes the month of each "
    'logical date, a run by hand that of `{"month": "2026-10"}`, if given.',
    red="A month was not compacted, and the log says which and why: two rows have one key, another "
    "process restated it, or readers did not let go of it. It is as before, the other months are "
    "done.",
    todo="Busy: clear the task, or leave it to tomorrow's run. Duplicates: the log names sensor "
    "and time; the index of the table's key is damaged. `vigie compaction list FEED` shows what "
    "was done, `vigie compact FEED --dry-run` what there is to do.",
)


def compact(
    feed: str, person: str, month: str, logical_date: datetime | None, run_type: str
) -> int:
    """Compact what a run is for; returns how many rows the months have.

    Raises:
        AirflowSkipException: The month asked for is not over, or no table has it.
        CompactionRefused: Some months could not be done.
    """
    from vigie.compaction.run import compact_feed, compactable

    contract, only = get_feed(feed), _month(month, logical_date, run_type)
    # A run is for all feeds, and not each of them has every month.
    if only is not None and not compactable(contract, only):
        message = f"{feed} {only:%Y-%m}: the month is not over, or no table has it"
        raise AirflowSkipException(message)
    count = rows = 0
    for done in compact_feed(contract, person=person, month=only):
        log.info("%s", done)
        count += 1
        rows += done.after.rows
    log.info("%s: %d months of tables compacted or expired", feed, count)
    return rows


def _month(month: str, logical_date: datetime | None, run_type: str) -> date | None:
    if month:
        return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    return logical_date.date() if run_type == "backfill" and logical_date else None
