"""The collection of waiting files, as a task that fails by naming those it could not take."""

from __future__ import annotations


def collect_or_fail() -> None:
    """Collect every file that waits.

    Raises:
        RuntimeError: Some could not be collected; they stay where they are.
    """
    from vigie.collection.collect import collect_waiting

    failures = collect_waiting()
    if failures:
        raise RuntimeError("not collected:\n" + "\n".join(failures))
