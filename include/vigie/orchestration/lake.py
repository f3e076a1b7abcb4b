"""The page of `archive_feeds`, and its steps that need no Spark."""

from __future__ import annotations

import logging

from vigie.contract.loader import load_feeds
from vigie.errors import LakeBusy
from vigie.orchestration.triage import triage

log = logging.getLogger(__name__)

ARCHIVE_PAGE = triage(
    does="Appends to the lake what each topic has and the lake lacks, in one Spark job for all "
    "feeds with news; without news it skips. Once a day it compacts and vacuums, and removes days "
    "older than VIGIE_LAKE_RETENTION, if that is set.",
    red="Offsets expired unarchived, a topic was made anew, or a feed failed; the log of `archive` "
    "names feed and offsets. All that could be saved was saved.",
    todo="A loss is told once and stays in `vigie lake status`: find out why the archive was late; "
    "the next run is green. Repair the cause of any other error; the next run carries on.",
)


def find_news() -> list[str]:
    """Feeds with something to archive; logs a warning where the lake trails dangerously."""
    from vigie.lake.status import feeds_with_news, lake_status

    feeds = load_feeds()
    names = feeds_with_news(feeds.values())
    for name in names:
        warning = lake_status(feeds[name]).warning
        if warning:
            log.warning("%s", warning)
    return names


def maintain_all() -> None:
    """Expire, compact and vacuum the lake of each feed for which it is due."""
    from vigie.lake.maintain import is_due, maintain

    for feed in load_feeds().values():
        if not is_due(feed):
            continue
        try:
            log.info("%s: %s", feed.name, maintain(feed))
        except LakeBusy as busy:
            log.warning("%s", busy)
