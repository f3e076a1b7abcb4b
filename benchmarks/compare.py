"""Whether both sides stored the same: the ratio means nothing otherwise."""

from __future__ import annotations

import math

import psycopg

from benchmarks.plain_store import PANES, READINGS
from vigie.contract.feed import Feed
from vigie.warehouse.feed_tables import feed_tables


def require_equal(connection: psycopg.Connection, feed: Feed) -> None:
    """Return if readings are equal row by row, and panes in all their sums.

    Raises:
        RuntimeError: They are not.
    """
    tables = feed_tables(feed)
    for what, vigie, plain, query in (
        ("readings", tables.reading.fullname, READINGS, _fingerprint(feed)),
        ("panes", tables.pane.fullname, PANES, _totals(feed)),
    ):
        left, right = (connection.execute(f"{query} FROM {t}").fetchone() for t in (vigie, plain))
        assert left is not None
        assert right is not None
        # Float sums differ by the order of addition.
        if not all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(left, right, strict=True)):
            raise RuntimeError(f"{what} differ: Vigie {left}, the plain loop {right}")


def _fingerprint(feed: Feed) -> str:
    names = ["event_time", *feed.fields, "is_late", "kafka_partition", "kafka_offset"]
    return f"SELECT count(*), sum(hash_record_extended(ROW({', '.join(names)}), 0))"


def _totals(feed: Feed) -> str:
    sums = [f"sum({name}_{part})" for name in feed.fields for part in ("n", "sum", "sumsq")]
    ends = [f"{end}({name}_{end})" for name in feed.fields for end in ("min", "max")]
    return f"SELECT count(*), sum(readings), {', '.join(sums + ends)}"
