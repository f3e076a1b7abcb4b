from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.readings import APPENDED, accepted
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.split import split

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_rows_come_out_in_order_of_their_coordinates(feed: Feed) -> None:
    batch = judged(feed, 200)

    shuffled = batch.take(np.random.default_rng(7).permutation(batch.num_rows))

    assert split(shuffled, feed).accepted == split(batch, feed).accepted
    assert split(batch, feed).accepted["kafka_offset"].to_pylist() == [*range(100)] * 2


def judged(feed: Feed, rows: int) -> pa.Table:
    """What Spark hands over: two partitions, each in order of its offsets, no fault."""
    table = accepted(feed, [(f"s-{i}", APPENDED, i) for i in range(rows)]).accepted
    half = rows // 2
    coordinates = {
        "kafka_partition": pa.array([0] * half + [1] * half, pa.int32()),
        "kafka_offset": pa.array([*range(half)] * 2, pa.int64()),
    }
    for name, column in coordinates.items():
        table = table.set_column(table.column_names.index(name), name, column)
    for name, kind in (
        ("fault", pa.int32()),
        ("raw", pa.binary()),
        ("raw_sha256", pa.string()),
        ("raw_length", pa.int32()),
    ):
        table = table.append_column(name, pa.nulls(rows, kind))
    return table
