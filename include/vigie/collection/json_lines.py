"""Reads files of JSON lines: each line is one message, as a sensor would send it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from vigie.collection.report import Report
from vigie.contract.feed import Feed
from vigie.errors import BodyError
from vigie.ingest.items import take_line
from vigie.ingest.shape import Message, Wrong, make_check

ENDINGS = (".jsonl", ".ndjson")
_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path, feed: Feed, report: Report) -> Iterator[tuple[bytes, bytes]]:
    """Key and message of each line that has the right shape; the others go into `report`.

    Empty lines are passed over.

    Raises:
        OSError, EOFError: The file cannot be read, or is no whole gzip file.
    """
    check = make_check(feed)
    for number, line in _numbered(path, feed.kafka.max_message):
        report.read += 1
        try:
            found: Message | Wrong = check(take_line(line))
        except BodyError as error:
            found = Wrong("", str(error))
        if isinstance(found, Message):
            yield found.key, found.value
        else:
            at = f"field {found.field!r}: " if found.field else ""
            report.refuse(number, at + found.reason)


def _numbered(path: Path, limit: int) -> Iterator[tuple[int, bytes]]:
    """Each line that is not empty and its number; of one too long only what shows it is."""
    with _open(path) as file:
        number = 0
        # A line's end, and blanks around a message, are no part of it.
        while line := file.readline(2 * limit):
            number += 1
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(2 * limit)
            line = (line.removeprefix(_MARK) if number == 1 else line).strip()
            if line:
                yield number, line


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
