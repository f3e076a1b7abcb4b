"""The page of `restate_<feed>`, and its decision whether a day is worth a Spark job."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from vigie.contract.loader import get_feed
from vigie.orchestration.triage import triage

PERSON = "{{ dag_run.triggering_user_name or 'airflow' }} ({{ dag_run.run_type.value }})"
"""Who asked for a run and how, for the record; nobody asked for a scheduled one."""
PREFER = ["first", "last"]
"""Which record of a sensor and time may win."""
WHICH = "Of several records of one sensor and time: the first committed, or the last appended."
RESTATE_PAGE = triage(
    does="Recomputes one day from the lake with the contract of now, and swaps what differs in one "
    "transaction while the stream runs on. The scheduled run takes yesterday, and skips unless "
    "readings of it arrived late or left quarantine; a backfill always restates, and so does a run "
    "by hand, which takes the day of its logical date. "
    'Parameters (`--dag-run-conf`): `{"reason": "…", "prefer": "last"}`.',
    red="The day was refused, with no row touched: the lake lacks records (the log names partition "
    "and offsets), readings of the day expired, or another restatement of the feed was running. "
    "Or the document server is away: the rows are restated, the next run brings the documents.",
    todo="See `vigie lake check FEED`; bring the files back, then clear the task. "
    "`vigie restatement list FEED` shows what was done. To repeat days: `airflow backfill create "
    "--dag-id restate_FEED --from-date … --to-date … --reprocess-behavior completed`; the pool "
    "`heavy` runs one Spark job at a time. Unpause the DAG first: runs of a paused one wait.",
)


def skip_unless_due(feed: str, day: datetime | None, run_type: str) -> None:
    """End a scheduled run that has nothing to do, and one that says no day.

    Raises:
        AirflowFailException: The run has no logical date.
        AirflowSkipException: No reading of the day arrived late or left quarantine.
    """
    from vigie.restatement.due import is_due

    if day is None:
        message = (
            f"{feed}: which day? The run has no logical date; give one, as in "
            f"`airflow dags trigger restate_{feed} --logical-date 2016-01-01`"
        )
        raise AirflowFailException(message)
    if run_type == "scheduled" and not is_due(get_feed(feed), day.date()):
        message = f"{feed} {day:%Y-%m-%d}: no reading arrived late or left quarantine"
        raise AirflowSkipException(message)
