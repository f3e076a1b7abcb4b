"""Partitions for the days that are about to be written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from vigie.contract.feed import Feed
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Warehouse


def make_months(warehouse: Warehouse, feed: Feed, days: Iterable[date]) -> None:
    """Make the months of `days` in every fact table that the feed's readings go to."""
    tables, wanted = feed_tables(feed), set(days)
    written = [tables.reading, tables.pane, core.alert]
    if tables.prediction is not None:
        written.append(tables.prediction)
    for table in written:
        warehouse.ensure_months(table, wanted)
