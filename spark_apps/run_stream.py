"""Runs the stream of one feed as one launch: run_stream.py FEED LAUNCH."""

from __future__ import annotations

import argparse
import logging
import sys

from vigie.contract.loader import get_feed
from vigie.streaming.driver import run_driver


def main() -> int:
    """Parse the arguments and run the driver; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", help="name of the feed")
    parser.add_argument("launch", type=int, help="number of the launch, a row of ops.launch")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return run_driver(get_feed(arguments.feed), arguments.launch)


if __name__ == "__main__":
    sys.exit(main())
