"""The hourly account of one feed, as a task that fails by naming what is missing."""

from __future__ import annotations

import logging

from airflow.sdk.exceptions import AirflowFailException

from vigie.errors import Unaccounted

log = logging.getLogger(__name__)


def reconcile_or_fail(name: str) -> int:
    """Reconcile a feed, in full once a day, quickly otherwise; returns the messages accounted for.

    Raises:
        AirflowFailException: Something is unaccounted for; every fault is named. A retry would
            find the same.
    """
    from vigie.contract.loader import get_feed
    from vigie.reconciliation.scheduled import reconcile_on_schedule

    try:
        account = reconcile_on_schedule(get_feed(name))
    except Unaccounted as error:
        raise AirflowFailException(str(error)) from error
    read = sum(part.read for part in account.partitions)
    how = "in full" if account.full else "by the days that changed"
    log.info(
        "%s: all %d messages are accounted for, counted %s in %.1f s; lag %s",
        *(name, read, how, account.seconds, account.lag_messages),
    )
    return read
