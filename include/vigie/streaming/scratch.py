"""Folders for Spark's own checkpoints, which no launch uses twice."""

from __future__ import annotations

import shutil
from pathlib import Path

from vigie.contract.feed import Feed
from vigie.settings import get_settings
from vigie.streaming.commit import Fence

_KEPT = 5


def new_scratch_folder(feed: Feed, fence: Fence) -> Path:
    """A folder that does not exist yet; all but the newest of earlier launches are removed."""
    parent = get_settings().state / "scratch" / feed.name
    parent.mkdir(parents=True, exist_ok=True)
    old = sorted(parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for folder in old[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
    return parent / f"{fence.launch}-{fence.token[:8]}"
