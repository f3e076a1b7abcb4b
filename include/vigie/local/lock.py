"""Lets one process at a time do a thing, by a lock that ends with its holder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vigie.errors import StackError


@contextmanager
def hold(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file at `path`, which is made if missing and left behind.

    Raises:
        StackError: Another process holds it and `wait` is off.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            message = f"another `vigie up` or `vigie down` holds {path}; wait until it has ended"
            raise StackError(message) from None
        yield
