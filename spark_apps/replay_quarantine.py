"""Judges quarantined messages again with the contract of now: replay_quarantine.py FEED."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import asdict
from datetime import datetime

import orjson

from vigie.contract.loader import get_feed
from vigie.errors import VigieError
from vigie.lake.session import open_lake_session
from vigie.restatement.record import Why
from vigie.restatement.replay import replay_quarantine
from vigie.restatement.waiting import Chosen
from vigie.streaming.app_log import set_up_log


def main() -> int:
    """Replay, and print the sum as JSON; 1 if it was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", help="name of the feed")
    parser.add_argument("--person", required=True, help="who replays")
    parser.add_argument("--because", default="", help="why")
    parser.add_argument("--reason", help="only messages quarantined for this")
    parser.add_argument("--sensor", help="only messages of this sensor")
    parser.add_argument("--since", type=datetime.fromisoformat, help="quarantined at or after")
    parser.add_argument("--until", type=datetime.fromisoformat, help="quarantined before")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    set_up_log()
    chosen = Chosen(arguments.reason, arguments.sensor, arguments.since, arguments.until)
    why = Why(arguments.person, arguments.because or None)
    feed = get_feed(arguments.feed)
    spark = open_lake_session(f"vigie replay {feed.name}")
    try:
        done = replay_quarantine(spark, feed, chosen, why, dry_run=arguments.dry_run)
    except VigieError as error:
        logging.error("%s", error)
        return 1
    finally:
        spark.stop()
    sys.stdout.buffer.write(orjson.dumps({**asdict(done), "released": done.released}) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
