"""Is this machine able to run the stack?"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import psutil

from vigie.errors import StackError
from vigie.local.java import find_java, java_version

_GIB = 1024**3
_LEAST_DISK = 2 * _GIB
_PYTHON = (3, 11)


def check_machine(state: Path) -> str:
    """Return what was found, in one line.

    Raises:
        StackError: Python or Java do not fit, or the disk of the state folder is almost full.
    """
    if sys.version_info[:2] != _PYTHON:
        message = (
            f"Python: found {platform.python_version()}, expected 3.11. Install Python 3.11, "
            "remove .venv and run `make install`"
        )
        raise StackError(message)
    java = java_version(find_java())
    free = psutil.disk_usage(str(state)).free
    if free < _LEAST_DISK:
        message = (
            f"disk: {free / _GIB:.1f} GB free in {state}, expected {_LEAST_DISK // _GIB} GB; "
            "streams stop below that. Make room, or set VIGIE_STATE to a folder on another disk"
        )
        raise StackError(message)
    return f"Python {platform.python_version()}, Java {java}, {free / _GIB:.0f} GB free"
