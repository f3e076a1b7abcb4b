"""Random batches as a stream would store them: nulls, alerts, statuses, late and out of order."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine

from tests.readings import accepted
from tests.warehouse.test_store import batch, new_store
from vigie.contract.feed import Feed
from vigie.streaming.flag import flag_column
from vigie.streaming.split import Split


def random_split(
    feed: Feed, rng: np.random.Generator, start: datetime, span: timedelta, *, count: int, offset=0
) -> Split:
    """Accepted readings of three sensors at random times; one value in five is null."""
    times = rng.integers(0, span // timedelta(milliseconds=1), count)
    readings = [
        (f"s-{i % 3}", start + timedelta(milliseconds=int(t)), int(t) % 997)
        for i, t in enumerate(times)
    ]
    split = accepted(feed, readings, first_offset=offset)
    table = split.accepted
    for name in feed.fields:
        values = table[name].to_pandas().astype(object)
        values[rng.random(count) < 0.2] = None
        table = _put(table, name, pa.array(values, table.schema.field(name).type))
    for rule in feed.alerts:
        table = _put(table, flag_column(rule), pa.array(rng.random(count) < 0.1))
    if feed.status:
        words = (*feed.status.ok, *feed.status.warning, *feed.status.fault)
        table = _put(table, "status", pa.array(rng.choice(words, count)))
    return Split(accepted=table, quarantined=split.quarantined)


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def store_all(
    engine: Engine, feed: Feed, splits: list[Split], *, after: list[Split] | None = None
) -> pd.DataFrame:
    """Store the batches one by one, by a second launch if others were stored before (`after`).

    Returns:
        What the warehouse must hold then: sensor, event_time, the fields as numbers, alerts,
        warnings and faults.
    """
    store = new_store(engine, feed, 2 if after else 1)
    begin = sum(split.accepted.num_rows for split in after or ())
    for split in splits:
        store.store(batch(split, begin=begin))
        begin += split.accepted.num_rows
    store.close()
    splits = [*(after or ()), *splits]
    frame = pa.concat_tables([split.accepted for split in splits]).to_pandas()
    frame = frame.drop_duplicates(["sensor", "event_time"])
    flags = [flag_column(rule) for rule in feed.alerts]
    result = frame[["sensor", "event_time", *feed.fields]].copy()
    result[list(feed.fields)] = result[list(feed.fields)].astype(float)
    result["alerts"] = frame[flags].any(axis=1).astype(int) if flags else 0
    status = feed.status
    result["warnings"] = frame["status"].isin(status.warning).astype(int) if status else 0
    result["faults"] = frame["status"].isin(status.fault).astype(int) if status else 0
    return result


def batches(feed: Feed, seed: int, start: datetime, span: timedelta) -> list[Split]:
    """Three batches over the same span, so that later ones bring late readings."""
    rng = np.random.default_rng(seed)
    splits: list[Split] = []
    for _ in range(3):
        offset = sum(split.accepted.num_rows for split in splits)
        splits.append(random_split(feed, rng, start, span, count=200, offset=offset))
    return splits
