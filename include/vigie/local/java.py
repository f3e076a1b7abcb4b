"""Finds a Java that can run the broker and Spark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from vigie.errors import StackError

OLDEST = 17
_HOW = (
    "Install it (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; Fedora: dnf install "
    "java-17-openjdk-headless; macOS: brew install openjdk@17) or set JAVA_HOME"
)


def find_java() -> Path:
    """The `java` program of JAVA_HOME, else of the PATH.

    Raises:
        StackError: There is none, or it is older than Java 17.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not found or not os.access(found, os.X_OK):
        where = f"at {found}" if found else "on the PATH"
        message = f"Java: no java program {where}, expected Java {OLDEST} or newer. {_HOW}"
        raise StackError(message)
    version = java_version(Path(found))
    major = int((re.match(r"\d+", version) or ["0"])[0])
    if major < OLDEST:
        message = (
            f"Java: {found} is version {version or 'unknown'}, expected {OLDEST} or newer. {_HOW}"
        )
        raise StackError(message)
    return Path(found)


def java_version(java: Path) -> str:
    """The version a `java` program reports, such as 17.0.15; empty if it reports none."""
    # -version writes to the error stream.
    result = subprocess.run(
        [java, "-version"], capture_output=True, text=True, timeout=30, check=False
    )
    found = re.search(r'version "([^"]+)"', result.stderr)
    return found[1] if found else ""
