"""Installs a package of the operating system that some tests run on, where that may be done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def install(*packages: str) -> bool:
    """Install them with apt-get; False where that is missing or not allowed, with the reason."""
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if sudo and not shutil.which("sudo"):
        return False
    print(f"installing {', '.join(packages)} with apt-get (about a minute)", flush=True)
    arguments = ["install", "--yes", "--no-install-recommends", *packages]
    for command in (["apt-get", "update"], ["apt-get", *arguments]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            [*sudo, *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stderr}", file=sys.stderr)
            return False
    return True
