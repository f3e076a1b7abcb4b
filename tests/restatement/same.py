"""What must hold between a warehouse before and after, and what it must never lack."""

from __future__ import annotations

import math
from typing import Any

from tests.restatement.pool import Stream
from vigie.reconciliation.reconcile import reconcile


def assert_clean(stream: Stream) -> None:
    """Every offset is accounted for, and rows per day and partition are those counted."""
    assert reconcile(stream.feed, stream.engine, patience=0.1).unaccounted == ()


def assert_same(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    """Row for row; sums of panes may differ in their last digits, by the order of their terms."""
    assert before.keys() == after.keys()
    for name, rows in before.items():
        if not name.endswith("_pane"):
            assert after[name] == rows
            continue
        assert len(after[name]) == len(rows), name
        for old, new in zip(rows, after[name], strict=True):
            for column, value in old.items():
                same = (
                    math.isclose(value, new[column], rel_tol=1e-9)
                    if isinstance(value, float)
                    else value == new[column]
                )
                assert same, (name, column, old, new)
