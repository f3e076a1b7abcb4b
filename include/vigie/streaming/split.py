"""The batch's one Arrow table, split: accepted readings and quarantined messages."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.streaming.explain import UNREAD, explain
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
    """Split by `reason`; a malformed message gets a detail that names its fault."""
    batch = batch.sort_by([("kafka_partition", "ascending"), ("kafka_offset", "ascending")])
    failed = pc.is_valid(batch["reason"])
    values = ["status" if name == "status_id" else name for name in value_columns(feed)]
    flags = [flag_column(rule) for rule in feed.alerts]
    return Split(
        accepted=batch.filter(pc.invert(failed)).select(
            [*COORDINATES, "sensor", "event_time", *values, "is_late", *flags]
        ),
        quarantined=_explained(batch.filter(failed), feed),
    )


def _explained(failed: pa.Table, feed: Feed) -> pa.Table:
    columns = [*COORDINATES, "sensor", "event_time", "reason"]
    details = failed["detail"].to_pylist()
    for row, detail in enumerate(details):
        if detail == UNREAD:
            details[row] = explain(failed["raw"][row].as_py(), feed)
    return (
        failed.select([*columns, "raw", "raw_sha256"])
        .append_column("detail", pa.array(details, pa.string()))
        .append_column("raw_length", failed["raw_length"].cast(pa.int64()))
    )
