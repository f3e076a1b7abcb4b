"""Runs a fleet of devices against the HTTP entrance of the running stack, and reports.

`make load`, or `python -m benchmarks.load --help`. Nothing is asserted about time, but that every
accepted reading is accounted for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.profiles import PROFILES
from benchmarks.load.report import Result, draw, tell
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.errors import StackError
from vigie.local.stack import Stack, find_stack
from vigie.reconciliation.reconcile import reconcile
from vigie.settings import get_settings
from vigie.supervision.status import stream_states
from vigie.warehouse.engines import get_engine

_EVERY = 2.0
_DRAIN = 600.0
_KINDS = ("read", "stored", "copies", "conflicts", "quarantined")


@dataclass(frozen=True)
class Lag:
    """The stream's lag some seconds after the begin; None where nobody could tell."""

    at: float
    messages: int | None
    seconds: float | None


def main() -> int:
    """Run and report; exit code 1 if a reading is not accounted for."""
    asked = _arguments()
    feed, folder = get_feed(asked.feed), Path(asked.out)
    folder.mkdir(parents=True, exist_ok=True)
    state = stream_states([feed.name])[0]
    stack = find_stack()
    if stack is None or state.state != "running" or state.lag_messages != 0:
        message = (
            f"the stream of {feed.name} is {state.state}, its lag {state.lag_messages} messages; "
            f"expected running and 0. `vigie up --feeds {feed.name}`, and end its simulator"
        )
        raise StackError(message)
    before = _account(feed)
    began = time.monotonic()
    lags: list[Lag] = []
    with subprocess.Popen(
        _locust(folder), env=os.environ | _variables(asked, folder, stack)
    ) as fleet:
        while fleet.poll() is None:
            lags.append(_lag(feed, began))
            time.sleep(_EVERY)
    sent_for = time.monotonic() - began
    while lags[-1].messages != 0 and time.monotonic() - began < sent_for + _DRAIN:
        time.sleep(0.5)
        lags.append(_lag(feed, began))
    drained = time.monotonic() - began - sent_for
    after = _account(feed)
    grown = {kind: after[kind] - before[kind] for kind in _KINDS}
    result = Result.read(folder, grown=grown, lags=[(one.at, one.messages) for one in lags])
    print(tell(result, asked, drained))
    draw(result, folder / "load.png")
    print(f"Locust's own report: {folder / 'locust.html'}; beside the lag: {folder / 'load.png'}")
    return 0 if result.accepted == grown["read"] else 1


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--feed", default="smart_meter")
    parser.add_argument("--meters", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pace", type=float, default=15, help="seconds between a meter's readings")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="steady")
    parser.add_argument("--faults", type=float, default=0.001, help="share for each kind of fault")
    parser.add_argument("--out", default=str(get_settings().state / "load"))
    return parser.parse_args()


def _locust(folder: Path) -> list[str]:
    file = Path(__file__).with_name("locustfile.py")
    command = [sys.executable, "-m", "locust", "--locustfile", str(file), "--headless"]
    command += ["--only-summary", "--loglevel", "ERROR"]
    # What was sent is answered, or its device would send it again.
    command += ["--stop-timeout", "120"]
    command += ["--host", get_settings().ingest]
    return [*command, "--csv", str(folder / "locust"), "--html", str(folder / "locust.html")]


def _variables(asked: Namespace, folder: Path, stack: Stack) -> Mapping[str, str]:
    given = ("feed", "meters", "seconds", "pace", "profile", "faults")
    return {f"VIGIE_LOAD_{name.upper()}": str(getattr(asked, name)) for name in given} | {
        "VIGIE_LOAD_ANSWERS": str(folder / "answers.json"),
        "VIGIE_LOAD_METRICS": str(stack.ports["load"]),
        "VIGIE_INGEST_KEY": get_settings().ingest_key,
    }


def _lag(feed: Feed, began: float) -> Lag:
    state = stream_states([feed.name])[0]
    return Lag(time.monotonic() - began, state.lag_messages, state.lag_seconds)


def _account(feed: Feed) -> dict[str, int]:
    account = reconcile(feed, get_engine(), full=False)
    if account.unaccounted:
        raise StackError(f"{feed.name} is not accounted for: {'; '.join(account.unaccounted)}")
    return {kind: sum(getattr(part, kind) for part in account.partitions) for kind in _KINDS}


if __name__ == "__main__":
    sys.exit(main())
