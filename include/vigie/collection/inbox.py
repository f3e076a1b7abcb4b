"""The folders into which files are delivered, one for each feed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vigie.contract.loader import feed_files
from vigie.settings import get_settings

QUIET = 5.0
"""Seconds in which a file was not written to, after which it is taken to be whole."""
_UNFINISHED = ".part"


@dataclass(frozen=True)
class Waiting:
    """A file that waits: whose it is, and in which state it was seen."""

    path: Path
    feed: str
    size: int
    changed: int
    """When it last changed, in nanoseconds since 1970."""

    def is_as_seen(self) -> bool:
        """Whether nobody wrote to it since."""
        status = self.path.lstat()
        return (status.st_size, _changed(status)) == (self.size, self.changed)


def inbox_folder() -> Path:
    """The folder that holds a folder for each feed."""
    settings = get_settings()
    return settings.inbox or settings.state / "inbox"


def make_folders(feeds: Iterable[str]) -> None:
    """Make the folder of each feed."""
    for feed in feeds:
        (inbox_folder() / feed).mkdir(parents=True, exist_ok=True)


def waiting_files() -> list[Waiting]:
    """Every file that is whole, in the order of feed and name.

    A file counts as whole when it has been left alone for `QUIET` seconds; names that begin with
    `.` or end in `.part` are those of files still on their way.
    """
    now = time.time_ns()
    found = [each for path in feed_files() for each in _files(path.stem)]
    return [each for each in found if now - each.changed >= QUIET * 1e9]


def _files(feed: str) -> list[Waiting]:
    try:
        entries = sorted(os.scandir(inbox_folder() / feed), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    found = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        # A link could lead to a file that whoever delivers must not read.
        if stat.S_ISREG(status.st_mode):
            found.append(Waiting(Path(entry.path), feed, status.st_size, _changed(status)))
    return found


def _changed(status: os.stat_result) -> int:
    # Copying tools set the time of modification back; the time of change nobody can set.
    return max(status.st_mtime_ns, status.st_ctime_ns)
