"""How much of the disk each part of the local stack takes, and what is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vigie.local.stack import state_folder
from vigie.settings import get_settings


@dataclass(frozen=True)
class Part:
    """What one folder of the state folder takes, in bytes."""

    part: str
    bytes: int


@dataclass(frozen=True)
class Disk:
    """The state folder's disk in bytes; streams wait while `free` is below `floor`."""

    folder: str
    free: int
    total: int
    floor: int
    parts: list[Part]


def disk() -> Disk:
    """Measure the state folder, part by part, largest first."""
    folder = state_folder()
    found = folder if folder.is_dir() else folder.parent
    usage = shutil.disk_usage(found)
    parts = sorted(_parts(folder), key=lambda part: -part.bytes)
    floor = int(get_settings().disk_floor * 1e9)
    return Disk(str(folder), usage.free, usage.total, floor, parts)


def _parts(folder: Path) -> Iterator[Part]:
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir():
                yield Part(path.name, _size(path))


def _size(folder: Path) -> int:
    """Bytes that the files below a folder occupy; a file that vanishes meanwhile counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
