"""What a driver printed, in the folder of a Spark worker on this machine."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from vigie.settings import get_settings

LOG = "driver.log"
"""The driver's own log; relative to its worker folder, in which it runs."""

OUTPUTS = ("stdout", "stderr", "spark.log", LOG)
"""What a driver leaves: what it and its JVM print, what Spark logs, what it logs itself."""

_TAIL_LINES = 40
# The worker's first line is the whole command, some thousand characters of it.
_COMMAND = "Launch Command:"


def worker_folder(submission: str) -> Path:
    """Where a worker of this machine keeps a driver's output, and the driver runs."""
    return get_settings().state / "spark" / "work" / submission


def output_tail(submission: str, name: str, *, lines: int = _TAIL_LINES) -> str:
    """The last lines of one of `OUTPUTS`; empty if there is none or the worker is elsewhere."""
    try:
        with (worker_folder(submission) / name).open(encoding="utf-8", errors="replace") as file:
            told = (line for line in file if not line.startswith(_COMMAND))
            return "".join(deque(told, lines))
    except OSError:
        return ""


def last_words(submission: str) -> str:
    """The end of everything a driver left, each part under its name."""
    told = ((name, output_tail(submission, name)) for name in OUTPUTS)
    return "\n".join(f"{name}:\n{text.rstrip()}" for name, text in told if text)
