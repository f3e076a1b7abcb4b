"""Archives the topics of some feeds into the lake: archive_records.py FEED..."""

from __future__ import annotations

import argparse
import sys

from vigie.contract.loader import get_feed
from vigie.lake.archive_feeds import archive_feeds
from vigie.lake.session import open_lake_session
from vigie.streaming.app_log import set_up_log


def main() -> int:
    """Archive feed by feed; 1 if one of them needs somebody, once all others are safe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feeds", nargs="+", help="names of feeds")
    feeds = [get_feed(name) for name in parser.parse_args().feeds]
    set_up_log()
    spark = open_lake_session("vigie archive")
    try:
        return 0 if archive_feeds(spark, feeds) else 1
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
