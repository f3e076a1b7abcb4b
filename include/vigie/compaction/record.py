"""`ops.compaction`: what was done to which month of a table, when, by whom, and what it gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Table, insert, select

from vigie.warehouse import core
from vigie.warehouse.fact_months import Density


@dataclass(frozen=True)
class Compacted:
    """One month of one table: what was done, or in a dry run would be first.

    `steps` is empty where there was nothing to do. `query_ms` is how long the readings of one day
    in the middle of the month took to add up, before and after.
    """

    feed: str
    table_name: str
    month: date
    steps: tuple[str, ...]
    before: Density
    after: Density
    query_ms: tuple[float | None, float | None] = (None, None)
    seconds: float = 0.0

    def as_row(self) -> dict[str, Any]:
        """What `ops.compaction` keeps of it."""
        row: dict[str, Any] = {
            "feed": self.feed,
            "table_name": self.table_name,
            "month": self.month,
            "steps": ", ".join(self.steps),
            "seconds": self.seconds,
        }
        densities = zip(("before", "after"), (self.before, self.after), self.query_ms, strict=True)
        for when, density, query_ms in densities:
            row |= {
                f"rows_{when}": density.rows,
                f"groups_{when}": density.groups,
                f"dead_{when}": density.dead,
                f"bytes_{when}": density.bytes,
                f"query_ms_{when}": query_ms,
            }
        return row

    def __str__(self) -> str:
        done = ", ".join(self.steps) or "nothing to do"
        told = f"{self.table_name} {self.month:%Y-%m}: {done}; {self.after.rows} rows"
        return f"{told}, {self.before.bytes} to {self.after.bytes} bytes, {self.seconds:.1f} s"


def last_marker(connection: Connection, table: Table, month: date) -> str | None:
    """How the month looked when it was last compacted; None if it never was."""
    t = core.compaction.c
    query = select(t.marker).where(t.table_name == table.name, t.month == month)
    found = connection.scalars(query.order_by(t.compacted_at.desc()).limit(1)).first()
    return str(found) if found else None


def write_record(connection: Connection, done: Compacted, *, marker: str, person: str) -> None:
    """Keep what was done, in the connection's transaction."""
    row = done.as_row() | {"compaction_id": uuid4().hex, "marker": marker, "person": person}
    connection.execute(insert(core.compaction).values(row))


def recent(engine: Engine, feed: str | None, limit: int) -> Sequence[dict[str, Any]]:
    """The newest rows of a feed, or of all, newest first."""
    t = core.compaction
    query = select(t).order_by(t.c.compacted_at.desc(), t.c.table_name).limit(limit)
    if feed is not None:
        query = query.where(t.c.feed == feed)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]
