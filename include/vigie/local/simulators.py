"""The simulators: one program per feed, so that the pages have something to show."""

from __future__ import annotations

import sys
from pathlib import Path

from vigie.contract.loader import load_feeds
from vigie.local.programs import Program


def program_of(feed: str) -> str:
    """The name of a feed's simulator among the programs."""
    return f"simulate-{feed}"


def programs() -> list[Program]:
    """One program per contract; which of them run is chosen at `vigie up`."""
    vigie = str(Path(sys.executable).with_name("vigie"))
    return [Program(program_of(feed), (vigie, "simulate", feed)) for feed in load_feeds()]
