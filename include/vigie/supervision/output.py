"""What a driver printed, in the folder of a Spark worker on this machine."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from vigie.settings import get_settings

_TAIL_LINES = 40
# The worker's first line is the whole command, some thousand characters of it.
_COMMAND = "Launch Command:"


def worker_folder(submission: str) -> Path:
    """Where a worker of this machine keeps a driver's `stdout` and `stderr`."""
    return get_settings().state / "spark" / "work" / submission


def output_tail(submission: str, name: str = "stderr", *, lines: int = _TAIL_LINES) -> str:
    """The last lines of a driver's output; empty if its worker is elsewhere."""
    try:
        with (worker_folder(submission) / name).open(encoding="utf-8", errors="replace") as file:
            told = (line for line in file if not line.startswith(_COMMAND))
            return "".join(deque(told, lines))
    except OSError:
        return ""
