"""One campaign on a stack of its own, from the first fault to the verdict."""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.airflow import Airflow
from tests.campaign.judge import differences
from tests.campaign.plan import Plan
from tests.campaign.report import Outcome
from tests.campaign.settle import (
    ARCHIVE,
    archive,
    failed_in_airflow,
    settle,
    stuck_in_airflow,
    unaccounted,
)
from tests.campaign.stores import read_kept, read_records
from tests.campaign.strike import Missed, Striker, Struck
from tests.campaign.traffic import Traffic
from tests.campaign.watch import Watch
from tests.local_stack import LocalStack, at_stack, running_stack
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

Say = Callable[[str], None]

_BEFORE = 15.0
"""Seconds of readings before the first fault."""
_AT_ONCE = 40
"""Faults whose doing may last at the same time."""


def run(plan: Plan, folder: Path, say: Say) -> Outcome:
    """Run a plan on a new stack with all feeds, and take the stack down.

    `folder` then holds plan, outcome and the programs' logs; unless all was clean, all of the
    stack's state.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(folder / "plan.json", plan.as_json())
    state, outcome = folder / "state", Outcome(plan)
    began = time.monotonic()
    try:
        with running_stack(state, "--feeds", "all") as stack, at_stack(state):
            outcome.phases["start"] = time.monotonic() - began
            _Campaign(plan, stack, outcome, say).run()
    except Exception:
        outcome.wrong.append(f"the campaign itself failed: {traceback.format_exc()}")
    finally:
        _write(folder / "outcome.json", outcome.as_json())
    if not outcome.wrong:
        shutil.move(state / "log", folder / "log")
        shutil.rmtree(state)
    return outcome


class _Campaign:
    def __init__(self, plan: Plan, stack: LocalStack, outcome: Outcome, say: Say) -> None:
        self._plan, self._stack, self._outcome, self._say = plan, stack, outcome, say
        self._feeds = dict(load_feeds())
        self._traffic = Traffic(stack.stack, self._feeds, plan.seed)

    def run(self) -> None:
        """Strike, let the stack get over it, and compare."""
        # Its first run begins at once, and meets the faults.
        Airflow(self._stack).do("dags", "unpause", ARCHIVE)
        with Watch(self._stack.stack, self._feeds) as watch, self._traffic:
            with self._phase("faults"):
                struck = self._strike()
            with self._phase("last acknowledgements"):
                self._traffic.stop()
            with self._phase("settling"):
                self._outcome.wrong += settle(self._stack, self._feeds)
        for fault in self._plan.faults:
            if fault.number in struck and not fault.size:
                seconds = watch.seconds_until_back(fault.component, struck[fault.number])
                if seconds is not None:
                    self._outcome.back[fault.number] = seconds
        with self._phase("archive"):
            archive(self._stack)
        with self._phase("comparing"):
            self._compare()

    def _strike(self) -> dict[int, Struck]:
        striker = Striker(self._stack, self._traffic, self._feeds)
        time.sleep(_BEFORE)
        began = time.monotonic()
        doing: dict[int, Future[Struck]] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for fault in self._plan.faults:
                time.sleep(max(began + fault.at - time.monotonic(), 0))
                self._say(str(fault))
                doing[fault.number] = pool.submit(striker.strike, fault)
        struck = {}
        for number, future in doing.items():
            try:
                struck[number] = future.result()
            except Missed:
                self._outcome.missed.append(number)
            except Exception:
                self._outcome.wrong.append(f"fault {number}: {traceback.format_exc()}")
        return struck

    def _compare(self) -> None:
        outcome = self._outcome
        for feed in self._feeds.values():
            outcome.wrong += self._differences(feed)
        outcome.wrong += unaccounted(self._stack, self._feeds)
        outcome.wrong += stuck_in_airflow(self._stack)
        outcome.failed_runs = failed_in_airflow(self._stack)
        outcome.launches = self._stack.launches()

    def _differences(self, feed: Feed) -> list[str]:
        sent = self._traffic.sent[feed.name]
        records, kept = read_records(feed), read_kept(feed, self._stack)
        self._outcome.account(sent, kept)
        return differences(feed, sent, records, kept)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self._say(f"-- {name}")
        began = time.monotonic()
        try:
            yield
        finally:
            self._outcome.phases[name] = time.monotonic() - began


def _write(file: Path, told: object) -> None:
    file.write_text(json.dumps(told, indent=1))
