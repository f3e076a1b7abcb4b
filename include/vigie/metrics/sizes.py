"""What takes long to count: the size of each table, and what lies in quarantine."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine, func, select

from vigie.metrics.sources import Sample
from vigie.warehouse import core
from vigie.warehouse.table_sizes import table_sizes


class Sizes:
    """Asks the warehouse."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> Iterable[Sample]:
        """Two queries."""
        t = core.quarantine.c
        held = select(t.feed, t.reason, func.count()).where(t.released_at.is_(None))
        with self._engine.connect() as connection:
            for table, size in table_sizes(connection).items():
                yield Sample("vigie_warehouse_table_bytes", (table,), size)
            for feed, reason, count in connection.execute(held.group_by(t.feed, t.reason)):
                yield Sample("vigie_quarantine_messages", (feed, reason), count)
