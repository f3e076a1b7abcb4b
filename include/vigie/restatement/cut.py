"""The cut: up to which batch, and so which offsets, a restatement goes; what comes later stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, func, select, union_all

from vigie.contract.feed import Feed
from vigie.errors import RestatementRefused
from vigie.warehouse import core
from vigie.warehouse.engines import snapshots
from vigie.warehouse.ledger import OffsetRange


@dataclass(frozen=True)
class Cut:
    """The newest batch, and where the ledger ends with it; `gaps` were accepted and stay ones."""

    batch_no: int
    ends: dict[tuple[str, int], int]
    gaps: tuple[OffsetRange, ...] = ()

    def holds(self, judged: pa.Table) -> npt.NDArray[np.bool_]:
        """Which records (topic_id, kafka_partition, kafka_offset) the batches up to it read."""
        result = np.zeros(judged.num_rows, dtype=bool)
        parts = judged["kafka_partition"].to_numpy()
        offsets = judged["kafka_offset"].to_numpy()
        for (topic_id, part), end in self.ends.items():
            here = pc.equal(judged["topic_id"], topic_id).to_numpy() & (parts == part)
            result |= here & (offsets < end)
            for gap in self.gaps:
                if (gap.topic_id, gap.partition) == (topic_id, part):
                    result &= ~(here & (offsets >= gap.begin) & (offsets < gap.end))
        return result


def read_cut(engine: Engine, feed: Feed) -> Cut:
    """The stream's batch number of this moment and the ledger's ends, in one snapshot.

    Raises:
        RestatementRefused: The stream never ran.
    """
    f, t, g = core.fence.c, core.ledger.c, core.gap.c
    gaps = select(g.topic_id, g.kafka_partition, g.begin_offset, g.end_offset).where(
        g.feed == feed.name, g.accepted_at.is_not(None)
    )
    read = select(t.topic_id, t.kafka_partition, t.end_offset).where(t.feed == feed.name)
    skipped = gaps.with_only_columns(g.topic_id, g.kafka_partition, g.end_offset)
    known = union_all(read, skipped).subquery()
    keys = (known.c.topic_id, known.c.kafka_partition)
    ends = select(*keys, func.max(known.c.end_offset)).group_by(*keys)
    with snapshots(engine).connect() as connection:
        batch_no = connection.scalar(select(f.batch_no).where(f.feed == feed.name))
        found = {(row[0], row[1]): row[2] for row in connection.execute(ends)}
        accepted = tuple(OffsetRange(*row) for row in connection.execute(gaps))
    if batch_no is None:
        message = (
            f"{feed.name}: no batch was ever committed, so there is nothing to restate. Start it "
            f"with `vigie stream start {feed.name}`"
        )
        raise RestatementRefused(message)
    return Cut(batch_no, found, accepted)
