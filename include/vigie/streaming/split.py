"""The batch's one Arrow table, split: accepted readings and quarantined messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.streaming.check import checks
from vigie.streaming.flag import flag_column
from vigie.warehouse.feed_tables import value_columns

COORDINATES = ("kafka_partition", "kafka_offset", "append_time")


@dataclass(frozen=True)
class Split:
    """Rows in order of (partition, offset).

    `accepted` has coordinates, sensor, event_time, the contract's values (status as `status`),
    is_late and one column per alert rule; `quarantined` has coordinates, sensor, event_time,
    reason, detail and the raw message.
    """

    accepted: pa.Table
    quarantined: pa.Table


def split(batch: pa.Table, feed: Feed) -> Split:
    """Split by `fault`, which becomes a reason and a detail that names what was found."""
    if not _in_order(batch):
        batch = batch.sort_by([("kafka_partition", "ascending"), ("kafka_offset", "ascending")])
    failed = pc.is_valid(batch["fault"])
    values = ["status" if name == "status_id" else name for name in value_columns(feed)]
    flags = [flag_column(rule) for rule in feed.alerts]
    return Split(
        accepted=batch.filter(pc.invert(failed)).select(
            [*COORDINATES, "sensor", "event_time", *values, "is_late", *flags]
        ),
        quarantined=_explained(batch.filter(failed), feed),
    )


def _in_order(batch: pa.Table) -> bool:
    """Whether the rows are sorted already, as Spark gives them if it splits no partition."""
    partitions = np.diff(batch["kafka_partition"].to_numpy())
    offsets = np.diff(batch["kafka_offset"].to_numpy())
    return bool(np.all((partitions > 0) | ((partitions == 0) & (offsets > 0))))


def _explained(failed: pa.Table, feed: Feed) -> pa.Table:
    known = checks(feed)
    faults = failed["fault"].to_pylist()
    details = [known[fault].detail(row) for fault, row in zip(faults, _rows(failed), strict=True)]
    return pa.table(
        {name: failed[name] for name in (*COORDINATES, "event_time", "raw", "raw_sha256")}
        | {
            # No database stores NUL in text; the raw bytes have it.
            "sensor": pc.replace_substring(failed["sensor"], "\0", "\\0"),
            "reason": pa.array([known[fault].reason for fault in faults], pa.string()),
            "detail": pa.array(details, pa.string()),
            "raw_length": failed["raw_length"].cast(pa.int64()),
        }
    )


def _rows(failed: pa.Table) -> list[dict[str, object]]:
    # Times beyond Python's calendar cannot become rows, and no detail shows a time.
    rows: list[dict[str, object]] = failed.drop_columns(["append_time", "event_time"]).to_pylist()
    return rows
