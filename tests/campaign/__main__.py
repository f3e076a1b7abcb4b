"""Runs a campaign of seeded faults on a whole stack of its own; exit code 1 if it is not clean.

`make campaign SEED=7`, or `python -m tests.campaign --help`. Equal seeds strike the same faults at
the same moments; which message is on its way just then is not theirs to say.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

from tests.campaign.plan import make_plan
from tests.campaign.run import run
from vigie.contract.loader import load_feeds
from vigie.settings import HOME


def main() -> int:
    """Print the plan, run it, print the outcome."""
    parser = ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="by default a random one")
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=HOME / ".campaign")
    parser.add_argument("--plan", action="store_true", help="print the plan alone")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    plan = make_plan(seed, asked.faults, list(load_feeds()))
    print(f"seed {seed}: {asked.faults} faults in {plan.seconds:.0f} s")
    print("\n".join(map(str, plan.faults)))
    if asked.plan:
        return 0
    # Whoever ends it ends the stack with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    folder = asked.folder / f"seed-{seed}"
    outcome = run(plan, folder, say)
    print("\n".join(outcome.lines()))
    print(f"plan and outcome: {folder}")
    if outcome.wrong:
        print(f"the stack's state and logs: {folder / 'state'}")
        print(f"to run the same again: make campaign SEED={seed} FAULTS={asked.faults}")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
