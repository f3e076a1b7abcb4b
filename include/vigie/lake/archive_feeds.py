"""Archive several feeds in one Spark session, which costs more to start than most feeds' hour."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from vigie.contract.feed import Feed
from vigie.errors import LakeBusy, VigieError
from vigie.lake.archive import archive

log = logging.getLogger(__name__)


def archive_feeds(spark: SparkSession, feeds: Iterable[Feed]) -> bool:
    """Archive each feed whatever becomes of the others; whether all is well with all of them.

    A loss or fault is logged with its feed after everything that could be saved was.
    """
    troubled = [feed.name for feed in feeds if not _is_well(spark, feed)]
    if troubled:
        log.error("needs somebody: %s; all other feeds are archived", ", ".join(troubled))
    return not troubled


def _is_well(spark: SparkSession, feed: Feed) -> bool:
    try:
        done = archive(spark, feed)
    except LakeBusy as busy:
        log.warning("%s", busy)
        return True
    except (VigieError, PySparkException):
        log.exception("%s: not archived", feed.name)
        return False
    log.info("%s: archived %d messages in %d commits", feed.name, done.messages, done.commits)
    for trouble in (*done.lost, *done.faults):
        log.error("%s: %s", feed.name, trouble)
    return not done.lost and not done.faults
