"""Archives the topics of some feeds into the lake: archive_records.py FEED..."""

from __future__ import annotations

import argparse
import logging
import sys

from vigie.contract.loader import get_feed
from vigie.lake.archive_feeds import archive_feeds
from vigie.lake.session import open_lake_session


def main() -> int:
    """Archive feed by feed; 1 if one of them needs somebody, once all others are safe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feeds", nargs="+", help="names of feeds")
    feeds = [get_feed(name) for name in parser.parse_args().feeds]
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    spark = open_lake_session("vigie archive")
    try:
        return 0 if archive_feeds(spark, feeds) else 1
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
