"""Takes files from the inbox: sends their readings to Kafka, then archives or rejects them.

    wait until whole ─ read ─ send, acknowledged ─▶ report ─▶ done/<date>/ or rejected/

A crash before the last step leads to sending again, which is harmless: copies do not count.
"""

from __future__ import annotations

import csv
import gzip
import logging
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics
from vigie.collection.inbox import Waiting, waiting_files
from vigie.collection.json_lines import ENDINGS, read_lines
from vigie.collection.report import Report
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.errors import RecipeError
from vigie.replay.recipes import recipes_of

_UNREADABLE = (RecipeError, UnicodeError, EOFError, gzip.BadGzipFile, zlib.error, csv.Error)

log = logging.getLogger(__name__)


def collect_waiting() -> list[str]:
    """Collect every file that waits; returns what could not be collected and stays where it is.

    A file that cannot be read is rejected, which is no failure of ours.
    """
    failures = []
    for file in waiting_files():
        try:
            collect(file)
        except Exception as error:
            # One file must not keep the others waiting.
            log.exception("%s stays where it is", file.path)
            failures.append(f"{file.path}: {error}")
    return failures


def collect(file: Waiting) -> Path | None:
    """Send a file's readings and put it away; returns where it lies now.

    None means that somebody wrote to it meanwhile: it stays, and is taken again when whole.

    Raises:
        ContractError, RecipeError: The feed's contract, or a recipe, is wrong.
        BrokerError: Kafka is away, or did not acknowledge every message.
        OSError: The file may not be read, or cannot be put away.
    """
    feed = get_feed(file.feed)
    # What we may not read is no fault of whoever delivered it.
    file.path.open("rb").close()
    report = Report(file.path.name, feed)
    _send(file.path, feed, report)
    if not file.is_as_seen():
        log.info("%s changed while it was read; it is taken again", file.path)
        return None
    place = _put_away(file.path, report)
    level = logging.INFO if report.is_clean else logging.WARNING
    log.log(level, "%s: %s; now %s", file.path, report.summary(), place)
    return place


def _send(path: Path, feed: Feed, report: Report) -> None:
    # A recipe of ours that is wrong is found here, and rejects no file.
    messages = _messages(path, feed, report)
    ensure_topics([feed])
    producer = make_producer(max_message=feed.kafka.max_message)
    with Sender(producer) as sender:
        try:
            for key, value in messages:
                sender.send(feed.topic, key, value)
        except _UNREADABLE as error:
            report.whole = str(error).removeprefix(f"{path}: ")
    report.sent = sender.acknowledged


def _messages(path: Path, feed: Feed, report: Report) -> Iterator[tuple[bytes, bytes]]:
    if path.name.removesuffix(".gz").endswith(ENDINGS):
        return read_lines(path, feed, report)
    # Here, since pandas takes two seconds that JSON lines need not wait for.
    from vigie.collection.tables import read_table

    return read_table(path, feed, recipes_of(feed), report)


def _put_away(path: Path, report: Report) -> Path:
    """Lay the report, if one is needed, where the file goes, then move the file."""
    today = datetime.now(UTC).date().isoformat()
    folder = path.parent / ("done/" + today if report.sent else "rejected")
    folder.mkdir(parents=True, exist_ok=True)
    place = _free(folder / path.name)
    if not report.is_clean:
        place.with_name(f"{place.name}.report.txt").write_text(report.text(), "utf-8")
    os.replace(path, place)
    return place


def _free(wanted: Path) -> Path:
    """The path, or one with a number before the ending where an earlier file has it."""
    stem, dot, ending = wanted.name.partition(".")
    place, number = wanted, 1
    while place.exists():
        number += 1
        place = wanted.with_name(f"{stem}-{number}{dot}{ending}")
    return place
