"""The simulator: one program for all feeds that were brought to life with it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from vigie.contract.loader import load_feeds
from vigie.local.programs import Program
from vigie.local.stack import Stack

PROGRAM = "simulator"


def programs(stack: Stack) -> list[Program]:
    """The simulator of the feeds remembered; none before the first."""
    feeds = simulated(stack)
    vigie = str(Path(sys.executable).with_name("vigie"))
    return [Program(PROGRAM, (vigie, "simulate", *feeds))] if feeds else []


def simulated(stack: Stack) -> list[str]:
    """The feeds that are simulated here, of those that still have a contract."""
    file = _file(stack)
    known = set(file.read_text().split()) if file.is_file() else set()
    return [name for name in load_feeds() if name in known]


def simulate_also(stack: Stack, feeds: Iterable[str]) -> None:
    """Remember more feeds: their streams go on at the next start, and so do their readings."""
    wanted = sorted({*simulated(stack), *feeds})
    _file(stack).write_text("".join(f"{name}\n" for name in wanted))


def _file(stack: Stack) -> Path:
    return stack.state / "simulated.txt"
