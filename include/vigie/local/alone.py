"""Runs a program in the place of what an earlier run of it left: `python -m vigie.local.alone …`.

The process manager starts a killed program again, and knows nothing of its children: one that lives
on, holding the port, would let no successor begin.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

import psutil

from vigie.local.environment import MARK
from vigie.local.processes import end

_PROGRAM = "SUPERVISOR_PROCESS_NAME"
"""What the process manager sets in each program, and its children inherit."""


def leftovers(environ: Mapping[str, str]) -> list[psutil.Process]:
    """Other processes of the stack and the program that `environ` is of; none outside a stack."""
    if MARK not in environ or _PROGRAM not in environ:
        return []
    here, found = psutil.Process(), []
    own = {here.pid, *(parent.pid for parent in here.parents())}
    for process in psutil.process_iter():
        # Ended meanwhile, or another user's.
        with suppress(psutil.Error):
            theirs = process.environ()
            same = all(theirs.get(name) == environ[name] for name in (MARK, _PROGRAM))
            if same and process.pid not in own:
                found.append(process)
    return found


if __name__ == "__main__":
    end(leftovers(os.environ))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the stack's own command
