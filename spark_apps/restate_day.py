"""Restates one day of a feed from the lake: restate_day.py FEED DAY."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import date

from vigie.contract.loader import get_feed
from vigie.errors import VigieError
from vigie.lake.session import open_lake_session
from vigie.restatement.record import Why
from vigie.restatement.restate import restate_day
from vigie.streaming.app_log import set_up_log


def main() -> int:
    """Restate the day; 1 if it was refused, with no row touched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", help="name of the feed")
    parser.add_argument("day", type=date.fromisoformat, help="the day in UTC, such as 2016-01-01")
    parser.add_argument("--person", required=True, help="who restates")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--prefer", choices=("first", "last"), default="first")
    arguments = parser.parse_args()
    set_up_log()
    why = Why(arguments.person, arguments.reason or None, arguments.prefer)
    feed = get_feed(arguments.feed)
    spark = open_lake_session(f"vigie restate {feed.name}")
    try:
        restate_day(spark, feed, arguments.day, why)
    except VigieError as error:
        logging.error("%s", error)
        return 1
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
