"""Installs a package of the operating system that some tests run on, where that may be done."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CACHE = Path(__file__).resolve().parents[1] / ".cache"


def install(*packages: str) -> bool:
    """Install them with apt-get; False where that is missing or not allowed, with the reason."""
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if sudo and not shutil.which("sudo"):
        return False
    update = ["apt-get", "update"]
    add = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    with apt_get_alone():
        print(f"installing {', '.join(packages)} with apt-get (about a minute)", flush=True)
        return all(_succeeds([*sudo, *command]) for command in (update, add))


@contextmanager
def apt_get_alone() -> Iterator[None]:
    """Keep the other parts of `make test` off apt-get, which refuses to work beside another."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _succeeds(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{done.stderr}", file=sys.stderr)
    return done.returncode == 0
