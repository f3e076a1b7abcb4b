"""Runs the stream of one feed as one launch: run_stream.py FEED LAUNCH."""

from __future__ import annotations

import argparse
import logging
import sys
from logging.handlers import RotatingFileHandler

from vigie.contract.loader import get_feed
from vigie.streaming.app_log import set_up_log
from vigie.streaming.driver import run_driver


def main() -> int:
    """Parse the arguments and run the driver; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed", help="name of the feed")
    parser.add_argument("launch", type=int, help="number of the launch, a row of ops.launch")
    parser.add_argument("--log", help="a file that rotates; without it the log is printed")
    arguments = parser.parse_args()
    _set_up_log(arguments.log)
    return run_driver(get_feed(arguments.feed), arguments.launch)


def _set_up_log(file: str | None) -> None:
    """Log to a rotating file, errors to standard error too; Spark keeps all that is printed."""
    printed = logging.StreamHandler()
    handlers: list[logging.Handler] = [printed]
    if file is not None:
        printed.setLevel(logging.ERROR)
        handlers.append(RotatingFileHandler(file, maxBytes=10_000_000, backupCount=3))
    set_up_log(handlers)


if __name__ == "__main__":
    sys.exit(main())
