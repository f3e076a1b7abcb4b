"""A program that was killed is followed by one that finds its port free."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from vigie.local.environment import MARK

pytestmark = pytest.mark.unit

PARENT = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"


def start(environ: Mapping[str, str]) -> tuple[psutil.Process, psutil.Process]:
    """A program that leaves the work to a child, and that child."""
    command = [sys.executable, "-c", PARENT, "sleep", "60"]
    main = psutil.Process(subprocess.Popen(command, env=environ).pid)
    deadline = time.monotonic() + 30
    while not (children := main.children()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return main, children[0]


def test_what_a_killed_program_left_is_ended_before_the_next(tmp_path: Path) -> None:
    stack = os.environ | {MARK: str(tmp_path)}
    killed, left = start(stack | {"SUPERVISOR_PROCESS_NAME": "server"})
    other, others_child = start(stack | {"SUPERVISOR_PROCESS_NAME": "another"})
    try:
        killed.kill()
        killed.wait(10)
        assert left.is_running()

        done = subprocess.run(
            [sys.executable, "-m", "vigie.local.alone", "echo", "begins"],
            env=stack | {"SUPERVISOR_PROCESS_NAME": "server"},
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "begins\n"
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
        assert others_child.is_running()
    finally:
        for process in (left, other, others_child):
            if process.is_running():
                process.kill()
        other.wait(10)
