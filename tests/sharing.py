"""Which tests one worker runs in a row when several share a run (`--dist loadgroup`)."""

from __future__ import annotations

import pytest

# What takes a minute to start, and must not be started by every worker; the longest row first.
_SHARED = ("shared_stack", "mlflow", "console")


def share_out(items: list[pytest.Item]) -> None:
    """Keep together the tests of a file, and all that share a service slow to start."""
    rows = {item: _row(item) for item in items}
    for item, row in rows.items():
        item.add_marker(pytest.mark.xdist_group(row))
    items.sort(
        key=lambda item: _SHARED.index(rows[item]) if rows[item] in _SHARED else len(_SHARED)
    )


def _row(item: pytest.Item) -> str:
    needs = getattr(item, "fixturenames", ())
    return next((name for name in _SHARED if name in needs), item.path.as_posix())
